"""Domain objects of the worker: plain data around numpy arrays, importing nothing of ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""uint8 [H, W, 3], RGB."""
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame, upright. `pts_s` is the presentation time in seconds."""

    index: int
    pts_s: float
    image: Image | None
    """None where the decoder reported an error for this frame."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A decoded clip and what the container said about it."""

    frames: tuple[Frame, ...]
    container: str
    codec: str
    rotation: int
    nominal_fps: Fraction
    warnings: tuple[str, ...] = ()

    def images(self) -> Iterator[Image]:
        """The frames that decoded."""
        return (frame.image for frame in self.frames if frame.image is not None)


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A detected face in frame pixels: box (x0, y0, x1, y1), score 0..1, landmarks f32 [5, 2].

    Landmark order: image-left eye, image-right eye, nose tip, image-left and -right mouth corner.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: FloatArray


@dataclass(frozen=True, slots=True)
class EventSpan:
    """Frame indices of onset, apex and offset of one micro-expression, inclusive."""

    onset: int
    apex: int
    offset: int
