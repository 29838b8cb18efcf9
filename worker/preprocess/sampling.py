"""Which frames of an event the classifier sees."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan, FloatArray
from worker.preprocess.spotting import spot

_ANYWHERE: Final = slice(None)


def sample_indices(
    pts_s: npt.NDArray[np.float64], span: EventSpan, count: int
) -> npt.NDArray[np.intp]:
    """Frame indices [count], evenly spaced in time from onset to offset, nearest frame each.

    Times, not indices, are spaced evenly, so a variable frame rate does not distort the motion.
    Frames repeat where the event has fewer than `count`.
    """
    times = np.linspace(pts_s[span.onset], pts_s[span.offset], count)
    inside = pts_s[span.onset : span.offset + 1]
    nearest: npt.NDArray[np.intp] = np.abs(inside[None, :] - times[:, None]).argmin(axis=1)
    return nearest + span.onset


def event_frames(
    trace: FloatArray, pts_s: npt.NDArray[np.float64], count: int, peaks: slice = _ANYWHERE
) -> tuple[EventSpan | None, npt.NDArray[np.intp]]:
    """The event in a trace f32 [N, sides, K], and the frames [count] the classifier sees of it.

    Without an event that is the whole trace. `peaks` is where the event may be at its strongest.
    """
    span = spot(trace, pts_s, peaks)
    return span, sample_indices(pts_s, span or EventSpan(0, 0, len(pts_s) - 1), count)
