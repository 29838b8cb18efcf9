"""How far each action unit moves, where it moves no further than in a micro-expression."""

from typing import Final

import numpy as np
import numpy.typing as npt

from training.judges.judge import Report, Shown, rounded
from training.metrics import icc_3_1, pearson
from worker.domain import FloatArray
from worker.specs import AU_NAMES

MICRO_FACS: Final = 2.0
ACTIVE_FACS: Final = 0.25
"""An AU counts as active in a frame from here on."""


class AmplitudeJudge:
    """Change against the found reference, every analysed frame, both sides, against the truth.

    Of an AU those clips count in which its true change stays within `MICRO_FACS`; clips in which
    it does not move at all are among them.
    """

    def __init__(self) -> None:
        self._truth: list[FloatArray] = []
        self._estimate: list[FloatArray] = []
        self._filmed: list[tuple[str, str]] = []
        """Codec of each clip, and width and height of its video."""

    def see(self, shown: Shown) -> None:
        """Keep what an event was and what was seen of it."""
        if shown.clip.kind == "event":
            self._truth.append(shown.change)
            self._estimate.append(shown.seen.trace)
            self._filmed.append((shown.clip.codec, f"{shown.clip.side} px"))

    def report(self) -> Report:
        """ICC(3,1), Pearson and mean absolute error (FACS) per AU and on average.

        An AU that no clip moves has no correlation: it is named as absent and not averaged. The
        ICC is also told for each codec and each size of video.
        """
        if not self._truth:
            return {"clips": 0}
        per_au = {name: self._of(unit) for unit, name in enumerate(AU_NAMES)}
        moved = [figures for figures in per_au.values() if figures["active_frames"]]
        means = {
            f"{what}_mean": _mean([figures[what] for figures in moved])
            for what in ("icc", "mae", "mae_where_active", "pearson")
        }
        absent = [name for name, figures in per_au.items() if not figures["active_frames"]]
        return {
            "clips": len(self._truth),
            "frames": sum(map(len, self._truth)),
            **means,
            "icc_mean_by_codec": self._by(0),
            "icc_mean_by_size": self._by(1),
            "absent": ", ".join(absent),
            "by_au": {name: per_au[name] for name in AU_NAMES if name not in absent},
        }

    def _by(self, column: int) -> dict[str, float | None]:
        names = sorted({row[column] for row in self._filmed})
        return {name: self._mean_icc(name) for name in names}

    def _mean_icc(self, how: str) -> float | None:
        """Over the clips of one codec, or one size, and the AUs that move in them."""
        found = [self._of(unit, how) for unit in range(len(AU_NAMES))]
        return _mean([figures["icc"] for figures in found if "icc" in figures])

    def _of(self, unit: int, how: str | None = None) -> dict[str, float]:
        truth, estimate = self._rows(unit, how)
        active = np.abs(truth) >= ACTIVE_FACS
        if not active.any():
            return {"active_frames": 0}
        error = np.abs(truth - estimate)
        return {
            "icc": rounded(icc_3_1(truth, estimate)),
            "pearson": rounded(pearson(truth, estimate)),
            "mae": rounded(error.mean()),
            "mae_where_active": rounded(error[active].mean()),
            "active_frames": int(active.sum()),
        }

    def _rows(
        self, unit: int, how: str | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        pairs = [
            (truth[:, :, unit].ravel(), estimate[:, :, unit].ravel())
            for truth, estimate, its in zip(self._truth, self._estimate, self._filmed, strict=True)
            if np.abs(truth[:, :, unit]).max() <= MICRO_FACS and (how is None or how in its)
        ]
        none = np.empty(0, dtype=np.float32)
        truth, estimate = zip(*pairs, strict=True) if pairs else ([none], [none])
        return np.concatenate(truth), np.concatenate(estimate)


def _mean(figures: list[float]) -> float | None:
    return rounded(np.mean(figures)) if figures else None
