"""Decoded frames as upright RGB pictures, all of one size and within limits."""

from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type

from worker.contract import ErrorCode
from worker.domain import Image
from worker.errors import ClipError
from worker.video.limits import DecodeLimits
from worker.video.orientation import Orientation, from_display_matrix, from_rotation


class Upright:
    """Turns the frames of one clip as its first frame has to be turned."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._size: tuple[int, int] | None = None
        self._orientation: Orientation | None = None

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which frames are turned; 0 before the first."""
        return self._orientation.rotation if self._orientation else 0

    def picture(self, frame: av.VideoFrame) -> Image | None:
        """The frame in RGB, upright; None where it is guesswork or of another size than the first.

        Raises:
            ClipError: TOO_MANY_PIXELS.
        """
        check_pixels(frame.width, frame.height, self._limits)
        self._size = self._size or (frame.width, frame.height)
        if frame.is_corrupt or (frame.width, frame.height) != self._size:
            return None  # concealed guesswork, or no longer the picture the clip began with
        if self._orientation is None:
            self._orientation = _orientation(frame)
        return self._orientation.apply(_rgb(frame))


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


def _rgb(frame: av.VideoFrame) -> Image:
    """The frame in RGB, as a view of FFmpeg's own memory, which ends its rows with padding."""
    # More threads than one make frames of this size three times slower to convert.
    plane = frame.reformat(format="rgb24", threads=1).planes[0]
    rows = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(frame.height, plane.line_size)
    return rows[:, : 3 * frame.width].reshape(frame.height, frame.width, 3)


def _orientation(frame: av.VideoFrame) -> Orientation:
    try:
        # PyAV's stub calls it a dictionary of motion vectors.
        side_data = list(cast(SideDataContainer, frame.side_data))
    except ValueError:  # PyAV does not know every kind (Exif, for one) and then shows none
        return from_rotation(frame.rotation)
    for item in side_data:
        if item.type == Type.DISPLAYMATRIX:
            return from_display_matrix(np.frombuffer(memoryview(item), dtype=np.int32))
    return Orientation()
