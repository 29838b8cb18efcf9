"""Frames as they leave the decoder: bytes with a few figures, before arrays are made of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

BYTES_PER_PIXEL = 3


@dataclass(frozen=True, slots=True)
class RawImage:
    """RGB rows of `line_bytes` each, which may end with padding; not upright yet."""

    width: int
    height: int
    line_bytes: int
    pixels: memoryview = field(repr=False)
    """`line_bytes` x `height`"""
    matrix: tuple[int, ...] | None = None
    """The display matrix i32 [9], where the file has one; told with the first frame alone."""
    turned_degrees: int = 0
    """How a player has to turn it, counterclockwise, where there is no matrix."""


@dataclass(frozen=True, slots=True)
class RawPicture:
    """A frame, in the order in which frames decode."""

    pts_s: float | None
    """Presentation time, None where the file gives none."""
    image: RawImage | None
    """None where it did not decode."""


class FrameSource(Protocol):
    """An opened file of frames, of whatever kind."""

    @property
    def codec(self) -> str:
        """What the frames are compressed with; complete once all are handed out."""

    @property
    def nominal_fps(self) -> Fraction:
        """Frames per second, 0 where nobody says."""

    @property
    def frames_total(self) -> int | None:
        """How many there should be."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file."""

    def pictures(self) -> Iterator[RawPicture]:
        """Every frame once."""
