"""Motion that is not there: what is seen on a still portrait, and on a head that only turns."""

from typing import Final

import numpy as np

from training.judges.judge import Report, Shown, rounded
from worker.domain import FloatArray
from worker.specs import AU_NAMES

STILL_FACS: Final = 0.3
RIGID_FACS: Final = 0.5


class PhantomJudge:
    """The change seen in clips without any."""

    def __init__(self) -> None:
        self._still: list[FloatArray] = []
        self._still_side: list[int] = []
        self._rigid: list[FloatArray] = []

    def see(self, shown: Shown) -> None:
        """Keep the size of the change per frame and AU, the stronger side."""
        change = np.abs(shown.seen.trace).max(axis=1)
        match shown.clip.kind:
            case "still":
                self._still.append(change)
                self._still_side.append(shown.clip.side)
            case "rigid":
                self._rigid.append(change)
            case _:
                pass

    def report(self) -> Report:
        """FACS units: the most over the frames of a still clip, and quantiles for turning heads."""
        return {"still": self._report_still(), "rigid": self._report_rigid()}

    def _report_still(self) -> Report:
        if not self._still:
            return {"clips": 0}
        most = np.stack([trace.max(axis=0) for trace in self._still])
        under, side = most.max(axis=1) < STILL_FACS, np.array(self._still_side)
        return {
            "clips": len(most),
            "max": rounded(most.max()),
            "clips_with_all_aus_under_0.3": rounded(under.mean()),
            "of_them_by_size": {
                f"{size} px": rounded(under[side == size].mean()) for size in np.unique(side)
            },
            "max_by_au": dict(zip(AU_NAMES, map(rounded, most.max(axis=0)), strict=True)),
        }

    def _report_rigid(self) -> Report:
        if not self._rigid:
            return {"clips": 0}
        frames = np.concatenate(self._rigid)
        strongest = frames.max(axis=1)
        quantiles = np.quantile(frames, 0.95, axis=0)
        return {
            "clips": len(self._rigid),
            "frames": len(frames),
            "quantile_95": rounded(np.quantile(frames, 0.95)),
            "quantile_95_of_the_frame_s_strongest_au": rounded(np.quantile(strongest, 0.95)),
            "share_under_0.5": rounded((frames < RIGID_FACS).mean()),
            "frames_with_all_aus_under_0.5": rounded((strongest < RIGID_FACS).mean()),
            "quantile_95_by_au": dict(zip(AU_NAMES, map(rounded, quantiles), strict=True)),
        }
