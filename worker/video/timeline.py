"""Times of frames, as the stream gives them, made complete and strictly rising."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from worker.contract import ErrorCode
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
    warnings: tuple[str, ...]


def arrange(times_s: Sequence[float | None], nominal_fps: Fraction) -> Timeline:
    """The timeline of frames in decode order; None where the file gives no time.

    Raises:
        ClipError: DAMAGED_VIDEO where times are missing and the file names no rate to fill them.
    """
    filled = _filled(times_s, nominal_fps)
    order = np.argsort(filled, kind="stable")
    rising = filled[order]
    for index in range(1, len(rising)):
        rising[index] = max(rising[index], rising[index - 1] + _TICK_S)
    missing = sum(time_s is None for time_s in times_s)
    moved = int((rising != filled[order]).sum())
    warnings = [f"{missing} frames without a time stamp: the nominal rate was used"] * (missing > 0)
    warnings += [f"{moved} frames repeat the time stamp of another"] * (moved > 0)
    return Timeline(order, rising, tuple(warnings))


def _filled(times_s: Sequence[float | None], nominal_fps: Fraction) -> npt.NDArray[np.float64]:
    if None in times_s and not nominal_fps:
        raise ClipError(ErrorCode.DAMAGED_VIDEO, "the file gives neither time stamps nor a rate")
    filled = np.empty(len(times_s))
    following = 0.0
    for index, time_s in enumerate(times_s):
        filled[index] = following if time_s is None else time_s
        following = filled[index] + float(1 / nominal_fps if nominal_fps else 0)
    return filled
