"""Whether an event's apex is found when it happens."""

from typing import Final

import numpy as np

from training.judges.judge import Report, Shown, rounded
from worker.preprocess.spotting import spot

TOLERANCE_S: Final = 0.020
"""Two frames at 100 per second."""
FINE_FPS: Final = 99.0
_ROUNDING_S: Final = 1e-3


class TimingJudge:
    """Time between the true apex and the spotted one; an event that is not spotted is a miss."""

    def __init__(self) -> None:
        self._error_s: list[float] = []
        self._fps: list[float] = []
        self._side: list[int] = []

    def see(self, shown: Shown) -> None:
        """Spot the event of one clip."""
        truth = shown.clip.span
        if shown.clip.kind != "event" or truth is None:
            return
        found = spot(shown.seen.trace, shown.seen.pts_s)
        when_s = shown.seen.pts_s[found.apex] if found else np.inf
        self._error_s.append(abs(float(when_s - shown.clip.pts_s[truth.apex])))
        self._fps.append(shown.clip.fps)
        self._side.append(shown.clip.side)

    def report(self) -> Report:
        """Shares of all events, and of those filmed at 100 frames per second or more."""
        error_s, fps, side = (np.array(x) for x in (self._error_s, self._fps, self._side))
        fine = fps >= FINE_FPS
        return {
            "events": len(error_s),
            "spotted_share": _share(np.isfinite(error_s)),
            "within_20_ms": _share(error_s <= TOLERANCE_S + _ROUNDING_S),
            "within_20_ms_from_100_fps": _share(error_s[fine] <= TOLERANCE_S + _ROUNDING_S),
            "median_error_ms": rounded(1000 * np.median(error_s)) if len(error_s) else None,
            "by_fps": {
                f"{rate:g}": _share(error_s[fps == rate] <= TOLERANCE_S + _ROUNDING_S)
                for rate in np.unique(fps)
            },
            "from_100_fps_by_size": {
                f"{size} px": _share(error_s[fine & (side == size)] <= TOLERANCE_S + _ROUNDING_S)
                for size in np.unique(side)
            },
        }


def _share(hits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float | None:
    return rounded(hits.mean()) if len(hits) else None
