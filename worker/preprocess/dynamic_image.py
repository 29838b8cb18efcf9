"""Pictures of a motion: frames of an event, onset first, pooled into one.

Frames are f32 [T, H, W] in 0..255 and pictures f32 [H, W], until they are stretched to bytes.
Sources: the dynamic image of Bilen et al., CVPR 2016; affective-motion imaging of Verma et al.,
"AffectiveNet", IEEE MultiMedia 28(1), 2021; TRDI and MIDI of Man et al., arXiv 2510.09730, 2025. Of
the last two papers no more than the abstracts could be read: what is pooled there is reconstructed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.preprocess import rank_pooling
from worker.preprocess.rank_pooling import Weights
from worker.preprocess.stretch import stretched

GAIN: Final = 10.0
"""Magnification of an affective-motion image: alpha of Wu et al., SIGGRAPH 2012, at its least."""
BLUR_PX: Final = 2.0
"""Spread of what is magnified: motion is smooth, noise is not."""
_FLAT: Final = 0.01
"""Gray levels; what differs by less is rounding, and is not blown up to a picture."""


def luma(crops: Image) -> FloatArray:
    """Crops uint8 [T, 3, H, W], RGB, as unrounded gray frames (ITU-R BT.601)."""
    frames = crops.transpose(0, 2, 3, 1).astype(np.float32)
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])


def pooled(frames: FloatArray, weights: Weights) -> FloatArray:
    """The weighted sum of frames."""
    return np.asarray(np.tensordot(weights.astype(np.float32), frames, axes=1))


def motion_intensity(frames: FloatArray) -> npt.NDArray[np.float64]:
    """How far each frame is from the onset: mean absolute difference of pixels, f64 [T]."""
    return np.asarray(np.abs(frames - frames[0]).mean(axis=(1, 2), dtype=np.float64))


def trdi(frames: FloatArray) -> FloatArray:
    """The temporal-ranking dynamic image: frames pooled in order of time."""
    return pooled(frames, rank_pooling.bilen(len(frames)))


def learnet(frames: FloatArray) -> FloatArray:
    """The dynamic image that LEARNet was published with: motion over a blurred face."""
    return pooled(frames, rank_pooling.learnet(len(frames)))


def midi(frames: FloatArray, *, is_weighted: bool = False) -> FloatArray:
    """The motion-intensity dynamic image: frames pooled in order of motion, equals in that of time.

    What the face does at the apex counts most, whether or not the clip goes on to the offset.
    `is_weighted` counts each frame by its motion, too; the mean weight is taken off, so that a
    still face remains invisible.
    """
    intensity = motion_intensity(frames)
    order = intensity.argsort(kind="stable")
    weights = rank_pooling.bilen(len(frames))
    if is_weighted:
        weights = weights * intensity[order] / max(float(intensity.max()), 1e-6)
        weights = weights - weights.mean()
    return pooled(frames[order], weights)


def affective_motion(frames: FloatArray) -> FloatArray:
    """The affective-motion image: what moves from onset to apex, magnified and pooled.

    The apex is the frame that is furthest from the onset; where none is, all frames are pooled.
    """
    apex = int(motion_intensity(frames).argmax())
    return trdi(magnified(frames[: apex + 1] if apex else frames))


def magnified(frames: FloatArray, gain: float = GAIN, blur_px: float = BLUR_PX) -> FloatArray:
    """Frames with `gain` times their blurred change against the onset added: f32, unlimited.

    Eulerian magnification without its band in time: an event is shorter than any such band, and
    begins at its onset.
    """
    change = [cv2.GaussianBlur(frame, (0, 0), blur_px) for frame in frames - frames[0]]
    return np.asarray(frames + np.float32(gain) * np.stack(change))


PICTURES: Final[Mapping[str, Callable[[FloatArray], FloatArray]]] = {
    "affective-motion": affective_motion,
    "learnet": learnet,
    "midi": midi,
    "trdi": trdi,
}
"""What a network may ask to see, by name."""


def pictures(crops: Image, names: Sequence[str]) -> Image:
    """Pictures uint8 [len(names), S, S] of crops uint8 [T, 3, S, S], onset first."""
    frames = luma(crops)
    return np.stack([stretched(PICTURES[name](frames), _FLAT) for name in names])
