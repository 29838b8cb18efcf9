"""Decoded frames as RGB rows, all of one size and within limits. Runs in the decoder's process."""

from typing import cast

import av
from av.sidedata.sidedata import SideDataContainer, Type

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.video.limits import DecodeLimits
from worker.video.raw import RawImage

_MATRIX_SIZE = 9


class Pixels:
    """Takes the frames of one clip, whose first says what size they have."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._size: tuple[int, int] | None = None
        self._is_first = True

    def of(self, frame: av.VideoFrame) -> RawImage | None:
        """The frame in RGB; None where it is guesswork or of another size than the first.

        Raises:
            ClipError: TOO_MANY_PIXELS.
        """
        check_pixels(frame.width, frame.height, self._limits)
        self._size = self._size or (frame.width, frame.height)
        if frame.is_corrupt or (frame.width, frame.height) != self._size:
            return None  # concealed guesswork, or no longer the picture the clip began with
        matrix, degrees = _orientation(frame) if self._is_first else (None, 0)
        self._is_first = False
        # More threads than one make frames of this size three times slower to convert.
        plane = frame.reformat(format="rgb24", threads=1).planes[0]
        return RawImage(
            frame.width, frame.height, plane.line_size, memoryview(plane), matrix, degrees
        )


def check_pixels(width: int, height: int, limits: DecodeLimits) -> None:
    """Refuse frames that are too large.

    Raises:
        ClipError: TOO_MANY_PIXELS.
    """
    if width * height > limits.max_pixels:
        raise ClipError(
            ErrorCode.TOO_MANY_PIXELS,
            f"frames of {width} x {height} are too large",
            limit=limits.max_pixels,
            measured=width * height,
        )


def _orientation(frame: av.VideoFrame) -> tuple[tuple[int, ...] | None, int]:
    """The display matrix, or how far to turn."""
    try:
        # PyAV's stub calls it a dictionary of motion vectors.
        side_data = list(cast(SideDataContainer, frame.side_data))
    except ValueError:  # PyAV does not know every kind (Exif, for one) and then shows none
        return None, frame.rotation
    for item in side_data:
        if item.type == Type.DISPLAYMATRIX:
            numbers = memoryview(item).cast("B").cast("i").tolist()
            return tuple(numbers[:_MATRIX_SIZE]), 0
    return None, 0
