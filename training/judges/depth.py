"""Depth against the truth: the relief of a face, and how an event changes it."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.judges.judge import Report, Shown, rounded
from training.metrics import change_correlation, pearson
from training.served import ServedModels
from training.synthetic.archive import Depth
from worker.domain import FloatArray
from worker.preprocess.stabilise import Placement, sources

_LEAST_CHANGE: Final = 0.004
"""Spread of the true change in eye distances; below it there is nothing to correlate with."""
_INSIDE: Final = 0.99


class DepthJudge:
    """The frames a clip brings true depth for, onset and apex of an event among them."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._relief: list[float] = []
        self._change: list[float] = []

    def see(self, shown: Shown) -> None:
        """Estimate the frames with known depth."""
        position = {int(frame): row for row, frame in enumerate(shown.seen.used)}
        rows = [position[frame] for frame in sorted(shown.clip.depth) if frame in position]
        if not rows:
            return
        estimate = self._served.depth(shown.seen.crops[rows])[:, 0]
        known = [
            in_crop(shown.clip.depth[int(shown.seen.used[row])], shown.seen.placements[row])
            for row in rows
        ]
        truth, face = (np.stack(maps) for maps in zip(*known, strict=True))
        self._relief += [
            pearson(t[f], e[f]) for t, f, e in zip(truth, face, estimate, strict=True) if f.any()
        ]
        if shown.clip.kind == "event" and len(rows) > 1:
            self._compare(truth[[0, -1]], estimate[[0, -1]], face.all(axis=0))

    def _compare(
        self, truth: FloatArray, estimate: FloatArray, inside: npt.NDArray[np.bool_]
    ) -> None:
        if inside.any() and np.std((truth[1] - truth[0])[inside]) >= _LEAST_CHANGE:
            self._change.append(change_correlation(truth, estimate, inside))

    def report(self) -> Report:
        """Means over frames and events, and the value a twentieth of them stay below."""
        return {
            "relief": _figures(self._relief, "frames"),
            "change_onset_to_apex": _figures(self._change, "events"),
        }


def in_crop(depth: Depth, placement: Placement) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """True depth of a frame where the crop looks: f32 [S, S], and the face there, bool [S, S]."""
    columns, rows = sources(placement)
    values, face = (
        cv2.remap(layer.astype(np.float32), columns, rows, cv2.INTER_LINEAR) for layer in depth
    )
    return values.astype(np.float32, copy=False), face > _INSIDE


def _figures(values: list[float], what: str) -> Report:
    if not values:
        return {what: 0}
    return {
        what: len(values),
        "pearson_mean": rounded(np.mean(values)),
        "pearson_worst_twentieth": rounded(np.quantile(values, 0.05)),
    }
