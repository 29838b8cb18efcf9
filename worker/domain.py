"""Domain objects of the worker: plain data around numpy arrays, importing nothing of ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

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

    @property
    def frames_total(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = next(self.images()).shape[:2]
        return width, height

    @property
    def pts_s(self) -> npt.NDArray[np.float64]:
        """Times of all frames, f64 [N]."""
        return np.array([frame.pts_s for frame in self.frames])

    def windows(self) -> Iterator[Sequence[Frame]]:
        """All frames at once: they are in memory anyway."""
        yield self.frames


class Footage(Protocol):
    """The frames of a clip as they come in: what is there at a time does not grow with the clip.

    What it says of the clip is known once all windows have been handed out.
    """

    @property
    def container(self) -> str:
        """Kind of file."""

    @property
    def codec(self) -> str:
        """What the frames were compressed with."""

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which frames were turned."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright frames."""

    @property
    def pts_s(self) -> npt.NDArray[np.float64]:
        """Times of all frames, f64 [N], strictly rising."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the clip."""

    @property
    def frames_total(self) -> int | None:
        """How many frames there should be; known from the start, and not always right."""

    def windows(self) -> Iterator[Sequence[Frame]]:
        """Every frame once, in order of time, a part of the clip at a time.

        Images stay as they are, but none should be kept beyond its window.
        """


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
