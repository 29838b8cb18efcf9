"""The clip's clock: measured rate, and whether it can show a micro-expression."""

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt

from worker.contract import Adequacy

SHORT_ONSET_S: Final = 0.065
LONG_ONSET_S: Final = 0.2
"""Onset to apex, short and usual: in annotation tables of 3,693 micro-expressions (DFME, CAS(ME)3,
MMEW) the fastest twentieth stays below 56 to 98 ms depending on the emotion, half below 0.2 s."""
GOOD_FRAMES: Final = 5
"""A rise seen in this many frames has a course, not only a direction."""
COARSE_FRAMES: Final = 4
JITTER_S: Final = 0.0015
"""Containers round times to a millisecond; only what differs by more was recorded unevenly."""
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class FrameRate:
    """What the presentation times of a clip say."""

    interval_s: float
    """Median time between frames."""
    long_interval_s: float
    """Nine tenths of the intervals are no longer."""
    duration_s: float
    """From the first frame to the end of the last, which is taken to last one interval."""
    is_variable: bool

    @classmethod
    def of(cls, pts_s: npt.NDArray[np.float64]) -> Self:
        """The rate of at least two rising times."""
        intervals = np.diff(pts_s)
        median = float(np.median(intervals))
        return cls(
            median,
            float(np.quantile(intervals, 0.9)),
            float(pts_s[-1] - pts_s[0]) + median,
            bool(np.abs(intervals - median).max() > JITTER_S),
        )

    @property
    def fps(self) -> float:
        """Frames per second: measured, not what the header claims."""
        return 1.0 / self.interval_s


def adequacy(rate: FrameRate) -> Adequacy:
    """Whether the frames are close enough in time.

    `good`: even a short onset is seen in `GOOD_FRAMES` frames (77 per second). `coarse`: at least
    the usual onset is seen in `COARSE_FRAMES` (20 per second). Below that a micro-expression can
    pass between two frames, and what is found is no measurement.
    """
    interval_s = rate.long_interval_s
    verdict: Literal["good", "coarse", "inadequate"] = "inadequate"
    onset_s, onset = LONG_ONSET_S, "a 1/5 s onset"
    if interval_s * GOOD_FRAMES <= SHORT_ONSET_S + _ROUNDING:
        verdict, onset_s, onset = "good", SHORT_ONSET_S, "a short onset of 65 ms"
    elif interval_s * COARSE_FRAMES <= LONG_ONSET_S + _ROUNDING:
        verdict = "coarse"
    frames = int(onset_s / interval_s + _ROUNDING)
    reason = f"{1000 * interval_s:.0f} ms between frames; {onset} is covered by {frames} frames"
    return Adequacy(verdict=verdict, reason=reason)
