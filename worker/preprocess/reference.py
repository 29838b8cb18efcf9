"""Which frame shows the face at rest: found, because not every clip begins with it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.specs import AU_NUMBERS

PROBED: Final = 32
"""Frames that are looked at: a choice among more would not be a better one."""
_FACE: Final = (slice(8, 104), slice(20, 92))
"""Rows and columns of the crop that are compared; around them lies background."""
_BLOCK_PX: Final = 4
_TRUSTED: Final = 0.8
"""Of the median agreement."""
_USUAL_SHARE: Final = 0.25
"""Of the frames looked at; so many share the usual look."""
_AS_USUAL: Final = 1.5
_LESS_ACTIVE: Final = 1.0
"""FACS units summed over AUs and sides; a face this much calmer than the usual one is at rest."""
_CALM_SHARE: Final = 0.1
_AS_CALM: Final = 0.75
_BLINK: Final = AU_NUMBERS.index(45)


def probed(agreement: FloatArray) -> npt.NDArray[np.intp]:
    """Positions of at most `PROBED` frames, evenly spread over those that are well registered.

    The best registered are not preferred: they would be those with the anchor's expression.

    Args:
        agreement: f32 [N], how well each frame is registered.
    """
    trusted = np.flatnonzero(agreement >= _TRUSTED * np.median(agreement))
    spread = np.linspace(0, len(trusted) - 1, min(len(trusted), PROBED))
    return trusted[np.unique(spread.round().astype(np.intp))]


def central_frame(crops: Image) -> int:
    """Position of the earliest crop, of uint8 [N, 3, S, S], that looks as usual as any.

    A face at rest looks the same again and again, a moving one does not: how usual a look is, is
    how much the quarter of the frames most like it differ from it. The earliest, because what
    moves later began at rest more often than not.
    """
    faces = crops[:, :, *_FACE].mean(axis=1, dtype=np.float32)
    rows, columns = (size // _BLOCK_PX for size in faces.shape[1:])
    blocks = faces.reshape(len(crops), rows, _BLOCK_PX, columns, _BLOCK_PX)
    looks = blocks.mean(axis=(2, 4)).reshape(len(crops), -1)
    looks = (looks - looks.mean(axis=1, keepdims=True)) / (looks.std(axis=1)[:, None] + 1)
    alike = np.sort(_apart(looks), axis=1)[:, : 1 + max(2, round(_USUAL_SHARE * len(looks)))]
    unusual = alike.mean(axis=1)
    return int(np.flatnonzero(unusual <= _AS_USUAL * unusual.min())[0])


def resting_frame(trace: FloatArray, central: int) -> int:
    """Position of the frame at rest in a trace f32 [N, sides, K] against the central one.

    That is the central one, unless a good part of the clip is clearly less active: an expression
    that stays makes itself the usual face. Blinks do not count.
    """
    activity = np.delete(trace, _BLINK, axis=2).sum(axis=(1, 2))
    calm = float(np.quantile(activity, _CALM_SHARE))
    if calm > -_LESS_ACTIVE:
        return central
    candidates = np.flatnonzero(activity <= _AS_CALM * calm)
    apart = _apart(trace[candidates].reshape(len(candidates), -1))
    return int(candidates[apart.sum(axis=1).argmin()])


def _apart(rows: FloatArray) -> FloatArray:
    """Mean absolute difference f32 [N, N] of every row to every other."""
    return np.asarray(np.abs(rows[:, None] - rows[None]).mean(axis=2))
