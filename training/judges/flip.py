"""Whether a mirrored face gets the mirrored answer."""

import numpy as np

from training.judges.judge import Report, Shown, rounded
from training.metrics import icc_3_1
from training.served import ServedModels
from worker.domain import FloatArray


class FlipJudge:
    """The frame of each event in which most moves, as it is and mirrored."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._plain: list[FloatArray] = []
        self._mirrored: list[FloatArray] = []

    def see(self, shown: Shown) -> None:
        """Judge one event's strongest frame twice."""
        if shown.clip.kind != "event":
            return
        strongest = int(np.abs(shown.change).sum(axis=(1, 2)).argmax())
        crop = shown.seen.crops[strongest][None, ..., ::-1]
        mirrored = self._served.action_units(
            np.ascontiguousarray(crop), np.ascontiguousarray(shown.reference[..., ::-1])
        )
        self._plain.append(shown.seen.trace[strongest])
        self._mirrored.append(mirrored[0, ::-1])

    def report(self) -> Report:
        """Agreement of the two answers, sides swapped back."""
        if not self._plain:
            return {"clips": 0}
        plain, mirrored = np.stack(self._plain), np.stack(self._mirrored)
        apart = np.abs(plain - mirrored)
        return {
            "clips": len(plain),
            "icc": rounded(icc_3_1(plain.ravel(), mirrored.ravel())),
            "mean_difference": rounded(apart.mean()),
            "difference_95": rounded(np.quantile(apart, 0.95)),
        }
