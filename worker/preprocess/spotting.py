"""Onset, apex and offset of the strongest event from an AU trace."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan, FloatArray
from worker.preprocess.apex import locate
from worker.specs import AU_NUMBERS

ACTIVITY_FLOOR = 0.25
"""FACS units; below this peak activity a trace is taken as holding no event."""
BOUNDARY = 0.25
"""Activity below this share of its peak above the baseline bounds the event."""
TOP = 0.5
"""The apex is sought where activity is above this share of its peak."""
CALM_SHARE = 0.25
"""Of the frames; their average is the face at rest, less noisy than any one of them."""
SMOOTHING_S = 0.06
"""Width of the smoothing window that finds the event; its apex is found without."""
MAX_HALF_S = 0.6
"""An onset or offset further than this from the apex belongs to a slower expression."""

_ANYWHERE: Final = slice(None)
_ROUNDING_S = 1e-3
"""Containers round times to a millisecond; that must not decide which frames are averaged."""
_SHARES: Final = {45: 0.0, 25: 0.0, 26: 0.3}
"""How much an AU counts, 1 unless named: blinking and talking are no events."""
_WEIGHTS: Final = np.array([_SHARES.get(number, 1.0) for number in AU_NUMBERS])


def activity(trace: FloatArray, pts_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far each frame is from the face at rest: f64 [N] from a trace f32 [N, sides, K].

    The norm over AUs of the change against the clip's calmest frames, smoothed in time. Blinks and
    parted lips are left out.
    """
    change = _change(trace)
    return smoothed(np.linalg.norm(change, axis=1) / np.sqrt(trace.shape[1]), pts_s)


def smoothed(
    signal: npt.NDArray[np.float64], pts_s: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """A signal f64 [N] averaged over `SMOOTHING_S` about each frame."""
    half = SMOOTHING_S / 2 + _ROUNDING_S
    first = np.searchsorted(pts_s, pts_s - half)
    after = np.searchsorted(pts_s, pts_s + half, side="right")
    sums = np.concatenate([[0.0], np.cumsum(signal)])
    means: npt.NDArray[np.float64] = (sums[after] - sums[first]) / (after - first)
    return means


def weighted(trace: FloatArray | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A trace [N, sides, K] as rows f64 [N, sides * K] in which each AU counts its share."""
    return np.asarray((trace * _WEIGHTS).reshape(len(trace), -1))


def rise_above_rest(trace: FloatArray, pts_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Activity f64 [N] against that of the calm frames of a trace f32 [N, sides, K]."""
    strength = activity(trace, pts_s)
    return strength - float(np.quantile(strength, 0.2))


def spot(
    trace: FloatArray, pts_s: npt.NDArray[np.float64], peaks: slice = _ANYWHERE
) -> EventSpan | None:
    """The strongest event of a trace f32 [N, sides, K], or None where nothing moves enough.

    Args:
        trace: Against the face at rest.
        pts_s: Times f64 [N].
        peaks: Frames in which the event is at its strongest; the others are its surroundings.
    """
    rise = rise_above_rest(trace, pts_s)
    peak = int(np.arange(len(rise))[peaks][rise[peaks].argmax()])
    if rise[peak] < ACTIVITY_FLOOR:
        return None
    near = np.abs(pts_s - pts_s[peak]) <= MAX_HALF_S
    onset, offset = surroundings(peak, near & (rise >= BOUNDARY * rise[peak]))
    top = surroundings(peak, near & (rise > TOP * rise[peak]))
    change = _change(trace)
    direction = change[top[0] : top[1] + 1].mean(axis=0)
    apex, rise_s, fall_s = locate(change @ direction, pts_s, *top)
    begins, ends = np.abs(pts_s[:, None] - pts_s[apex] - [-rise_s, fall_s]).argmin(axis=0)
    return EventSpan(
        min(max(onset - 1, 0), int(begins)), apex, max(min(offset + 1, len(pts_s) - 1), int(ends))
    )


def _change(trace: FloatArray) -> npt.NDArray[np.float64]:
    """Weighted change f64 [N, sides * K] against the calmest quarter of the frames."""
    expressive = weighted(trace)
    size = np.linalg.norm(expressive, axis=1)
    calm = expressive[size <= np.quantile(size, CALM_SHARE)].mean(axis=0)
    return np.asarray(expressive - calm)


def surroundings(position: int, inside: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """First and last of the frames about one that are inside without a gap."""
    before = np.flatnonzero(~inside[:position])
    after = np.flatnonzero(~inside[position:])
    first = int(before[-1]) + 1 if len(before) else 0
    return first, position + int(after[0]) - 1 if len(after) else len(inside) - 1
