"""Onset, apex and offset of the strongest event from an AU trace."""

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan, FloatArray
from worker.specs import AU_NUMBERS

ACTIVITY_FLOOR = 0.25
"""FACS units; below this peak activity a trace is taken as holding no event."""
BOUNDARY = 0.25
"""Activity below this share of its peak above the baseline bounds the event."""
SMOOTHING_S = 0.06
"""Width of the smoothing window: under a fifth of the shortest event the statistics list."""
MAX_HALF_S = 0.6
"""An onset or offset further than this from the apex belongs to a slower expression."""

_ROUNDING_S = 1e-3
"""Containers round times to a millisecond; that must not decide which frames are averaged."""
_BLINK = AU_NUMBERS.index(45)


def activity(trace: FloatArray, pts_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far each frame is from the clip's first face: f64 [N] from a trace f32 [N, sides, K].

    The norm over AUs, blinks left out, of the change against the clip's opening, smoothed in time.
    The opening, not an average, because an expression that stays would make itself the average.
    """
    expressive = np.delete(trace, _BLINK, axis=2)
    opening = pts_s <= pts_s[0] + SMOOTHING_S / 2
    change = expressive.astype(np.float64) - expressive[opening].mean(axis=0)
    strength = np.sqrt((change**2).sum(axis=(1, 2)) / trace.shape[1])
    half = SMOOTHING_S / 2 + _ROUNDING_S
    first = np.searchsorted(pts_s, pts_s - half)
    after = np.searchsorted(pts_s, pts_s + half, side="right")
    sums = np.concatenate([[0.0], np.cumsum(strength)])
    smoothed: npt.NDArray[np.float64] = (sums[after] - sums[first]) / (after - first)
    return smoothed


def spot(trace: FloatArray, pts_s: npt.NDArray[np.float64]) -> EventSpan | None:
    """The strongest event of a trace f32 [N, sides, K], or None where nothing moves enough."""
    strength = activity(trace, pts_s)
    apex = int(strength.argmax())
    rest = float(np.quantile(strength, 0.2))
    if strength[apex] - rest < ACTIVITY_FLOOR:
        return None
    quiet = strength < rest + BOUNDARY * (strength[apex] - rest)
    near = np.abs(pts_s - pts_s[apex]) <= MAX_HALF_S
    onset = apex
    while onset > 0 and near[onset - 1] and not quiet[onset]:
        onset -= 1
    offset = apex
    while offset < len(strength) - 1 and near[offset + 1] and not quiet[offset]:
        offset += 1
    return EventSpan(onset, apex, offset)
