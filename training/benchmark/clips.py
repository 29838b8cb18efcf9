"""Observations of generated clips, kept in shards: what networks that see clips learn from."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training import data, shards
from training.served import ServedModels, as_served
from training.synthetic.clips import draw_clip, loose_span, shoot
from training.synthetic.events import Priors
from training.synthetic.portraits import SPLITS, load_rigs
from training.synthetic.rig import Rig
from training.synthetic.variation import varied
from worker.preprocess.sampling import sample_indices
from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

NAME: Final = "benchmark-1"
TRACKS: Final = ("statistics", "prototypes")
"""AU sets drawn as often as coders of real clips counted them, or the EMFACS set of the label."""
ROWS: Final = 240
"""Clips of a shard: as many of each label on each track."""
DEPTH_SIDE: Final = CROP_SIZE // 2
_SEED: Final = 9_000_000
_PER_FACE: Final = 4
"""Training clips of one varied face."""


@dataclass(frozen=True)
class Clips:
    """N clips from a loosely spotted onset to offset.

    Crops are gray, since the generator is: served, all three channels are equal.
    """

    crops: npt.NDArray[np.uint8]
    """[N, T, S, S]"""
    depth: npt.NDArray[np.float16]
    """[N, T, S/2, S/2], as the served network answers."""
    action_units: npt.NDArray[np.float32]
    """[N, T, 2, K], as the served network answers: change against the first frame."""
    code: npt.NDArray[np.float32]
    """[N, 2, K], the truth: what the expression moves at its apex, FACS 0-5."""
    label: npt.NDArray[np.int64]
    """[N] index into `worker.specs.LABELS`."""
    track: npt.NDArray[np.int64]
    """[N] index into `TRACKS`."""
    subject: npt.NDArray[np.str_]
    """[N] identity of the portrait."""

    def chosen(self, rows: npt.NDArray[np.bool_]) -> "Clips":
        """Some of the clips."""
        return Clips(*(getattr(self, field.name)[rows] for field in fields(self)))


def load_clips(folder: Path, split: str, count: int) -> Clips:
    """The first `count` clips of a split's identities; shards that are missing are made."""
    return shards.load(KIND, folder, split, count)


def halves(clips: Clips) -> tuple[Clips, Clips]:
    """Clips of two sets of people without one in common, by hash: for curves, for calibration."""
    first = np.array([hashlib.sha256(name.encode()).digest()[0] % 2 for name in clips.subject]) == 0
    return clips.chosen(first), clips.chosen(~first)


def _generate(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors, served = Priors(data.priors_file()), ServedModels(data.MODEL_REPO, threads=1)
    for number, file in missing:
        rng = np.random.default_rng(_SEED + SPLITS.index(split) * 10_000 + number)
        shards.save(draw(rigs, priors, served, rng, varies=split == "train"), file)


def draw(
    rigs: list[Rig],
    priors: Priors,
    served: ServedModels,
    rng: np.random.Generator,
    *,
    varies: bool,
    count: int = ROWS,
) -> Clips:
    """One shard: identities in turn, labels and tracks evenly mixed; `varies` makes new faces."""
    order = rng.permutation(count)
    faces = _faces(rigs, rng, varies=varies)
    rows = [
        _draw(int(place) % len(LABELS), int(place) // len(LABELS) % len(TRACKS), rig, priors, rng)
        for place, rig in zip(order, faces, strict=False)
    ]
    crops, code, label, track, subject = (np.stack(column) for column in zip(*rows, strict=True))
    streams = [_streams(clip, served) for clip in crops]
    depth, change = (np.stack(column) for column in zip(*streams, strict=True))
    return Clips(crops, depth, change, code, label, track, subject)


def _faces(rigs: list[Rig], rng: np.random.Generator, *, varies: bool) -> Iterator[Rig]:
    """Rigs for ever, from a drawn one on."""
    index = int(rng.integers(len(rigs)))
    while True:
        rig = varied(rigs, index, rng) if varies else rigs[index]
        yield from [rig] * (_PER_FACE if varies else 1)
        index = (index + 1) % len(rigs)


def _draw(
    label: int, track: int, rig: Rig, priors: Priors, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], int, int, str]:
    plan = draw_clip(priors, label, rng, prototype=TRACKS[track] == "prototypes")
    gray = shoot(plan, rig, sample_indices(plan.pts_s, loose_span(plan, rng), CLIP_FRAMES))
    return gray, plan.event.peak.T, label, track, rig.name


def _streams(
    gray: npt.NDArray[np.uint8], served: ServedModels
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """Depth and AU change of one clip."""
    crops = as_served(gray)
    # The coarse map is what the network computes; the served map only enlarges it.
    blocks = served.depth(crops).reshape(CLIP_FRAMES, DEPTH_SIDE, 2, DEPTH_SIDE, 2)
    return blocks.mean(axis=(2, 4)).astype(np.float16), served.action_units(crops, crops[:1])


KIND: Final = shards.Kind(NAME, ROWS, Clips, _generate)
