"""Single frames that a codec shows otherwise than their neighbours, taken out of a trace."""

from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from worker.domain import FloatArray

WIDTH_S: Final = 0.05
"""Half the shortest event there is. Below 40 frames per second it holds one frame, itself."""
_ROUNDING: Final = 1e-3


def without_spikes(trace: FloatArray, pts_s: npt.NDArray[np.float64]) -> FloatArray:
    """A trace f32 [N, sides, K] in which no frame stands out from those about it.

    H.264 codes now and then one frame of a still face so unlike the others that an AU seems to
    jump and come back. A frame may differ from the median over `WIDTH_S` about it by as much as
    that median varies over twice the time, and no more: a spike goes, an event of 100 ms keeps its
    height.
    """
    frames = _odd_frames(pts_s)
    if frames == 1:
        return trace
    medians = np.median(_about(trace, frames), axis=-1)
    varies = np.ptp(_about(medians, 2 * frames - 1), axis=-1)
    return np.asarray(np.clip(trace, medians - varies, medians + varies), np.float32)


def _about(trace: FloatArray, frames: int) -> FloatArray:
    """Each frame and its neighbours: f32 [N, sides, K, frames]."""
    half = frames // 2
    # Mirrored, or the first and the last frame would count more than any other.
    padded = np.pad(trace, ((half, half), (0, 0), (0, 0)), mode="reflect")
    return sliding_window_view(padded, frames, axis=0)


def _odd_frames(pts_s: npt.NDArray[np.float64]) -> int:
    """How many frames, an odd number, are about `WIDTH_S` long; 1 of a trace that is shorter."""
    if len(pts_s) < 2:  # noqa: PLR2004  # one frame has no neighbours
        return 1
    frames = int(WIDTH_S / float(np.median(np.diff(pts_s))) + _ROUNDING) // 2 * 2 + 1
    return frames if frames < len(pts_s) else 1
