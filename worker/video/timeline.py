"""Times of frames, as the stream gives them, made complete and strictly rising."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.codes import ErrorCode
from worker.errors import ClipError

_TICK_S = 1e-4
"""How far a repeated time is moved: finer than any camera's interval."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Presentation order and times of the frames of a clip."""

    order: npt.NDArray[np.intp]
    """[N] which of the frames, counted as they decoded, is shown when."""
    pts_s: npt.NDArray[np.float64]
    """[N] strictly rising."""
    following_s: float
    """When the next frame is due that has no time of its own."""
    missing: int
    """Frames without a time stamp so far,"""
    moved: int
    """and those that repeat another's, or come too late to be put before it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the times up to here."""
        missing = f"{self.missing} frames without a time stamp: the nominal rate was used"
        moved = f"{self.moved} frames repeat the time stamp of another"
        return (missing,) * (self.missing > 0) + (moved,) * (self.moved > 0)


_START: Final = Timeline(np.empty(0, np.intp), np.empty(0), 0.0, 0, 0)


def arrange(
    times_s: Sequence[float | None], nominal_fps: Fraction, before: Timeline = _START
) -> Timeline:
    """The timeline of at least one frame in decode order; None where the file gives no time.

    Args:
        times_s: As the file gives them.
        nominal_fps: Fills what is missing.
        before: The timeline of the frames before these.

    Raises:
        ClipError: DAMAGED_VIDEO where times are missing and the file names no rate to fill them.
    """
    filled, following_s = _filled(times_s, nominal_fps, before.following_s)
    order = np.argsort(filled, kind="stable")
    rising = filled[order]
    floor_s = before.pts_s[-1] + _TICK_S if len(before.pts_s) else -np.inf
    for index in range(len(rising)):
        rising[index] = max(rising[index], floor_s)
        floor_s = rising[index] + _TICK_S
    missing = sum(time_s is None for time_s in times_s)
    moved = int((rising != filled[order]).sum())
    return Timeline(order, rising, following_s, before.missing + missing, before.moved + moved)


def _filled(
    times_s: Sequence[float | None], nominal_fps: Fraction, following_s: float
) -> tuple[npt.NDArray[np.float64], float]:
    if None in times_s and not nominal_fps:
        raise ClipError(ErrorCode.DAMAGED_VIDEO, "the file gives neither time stamps nor a rate")
    filled = np.empty(len(times_s))
    for index, time_s in enumerate(times_s):
        filled[index] = following_s if time_s is None else time_s
        following_s = filled[index] + float(1 / nominal_fps if nominal_fps else 0)
    return filled, following_s
