"""The frames of a file, one at a time, as a process of its own decodes them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from worker.codes import ErrorCode
from worker.domain import Image
from worker.errors import ClipError
from worker.video.container import ARCHIVE, Container, identify
from worker.video.decoder import Bytes, Decoder
from worker.video.limits import DecodeLimits
from worker.video.messages import Ended, ImageFacts, Opened, Picture
from worker.video.orientation import Orientation, from_display_matrix, from_rotation
from worker.video.raw import BYTES_PER_PIXEL

TimedImage: TypeAlias = tuple[float | None, Image | None]
"""Presentation time in seconds (None where the file gives none) and the upright RGB frame
(None where it did not decode)."""


@contextmanager
def open_clip(
    path: Path, limits: DecodeLimits, *, fps: float | None = None
) -> Generator["ClipStream"]:
    """A file being decoded. Nothing is kept: memory does not grow with the clip.

    Args:
        path: A video, or an archive of numbered frames.
        limits: What it may cost; `timeout_s` counts the time spent waiting for the decoder.
        fps: Frames per second of an archive; a video has times of its own.

    Raises:
        ClipError: The file cannot be used; the code says why. Also while frames are handed out.
        DecoderBroken: The decoder failed in a way that is not the clip's fault.
    """
    container = identify(path, limits.max_bytes)
    is_odd = fps is not None and container != ARCHIVE
    odd = ("`fps` is for archives of frames: the times are the video's own",) * is_odd
    with path.open("rb") as stored, Decoder(stored, container.demuxer, fps, limits) as decoder:
        yield ClipStream(container, decoder, limits, odd)


class ClipStream:
    """Hands out frames in the order in which they decode."""

    def __init__(
        self, container: Container, decoder: Decoder, limits: DecodeLimits, odd: tuple[str, ...]
    ) -> None:
        self.container = container
        self.frames_total: int | None = None
        """As the header says, which may be wrong."""
        self.nominal_fps = Fraction(0)
        """Frames per second as the header says, 0 where nobody does."""
        self._limits = limits
        self._odd = odd
        self._orientation: Orientation | None = None
        self._ended: Ended | None = None
        self._messages = decoder.messages()
        opened, _ = next(self._messages)
        if isinstance(opened, Opened):
            self.frames_total = opened.frames_total
            self.nominal_fps = Fraction(*opened.rate)

    def pictures(self) -> Iterator[TimedImage]:
        """Every frame once."""
        count = 0
        for message, pixels in self._messages:
            if isinstance(message, Ended):
                self._ended = message
            if not isinstance(message, Picture):
                continue
            count += 1
            if count > self._limits.max_frames:
                raise ClipError(
                    ErrorCode.TOO_MANY_FRAMES, "too many frames", limit=self._limits.max_frames
                )
            image = None if message.image is None else self._upright(message.image, pixels)
            yield message.pts_s, image

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which frames are turned; 0 before the first."""
        return self._orientation.rotation if self._orientation else 0

    @property
    def codec(self) -> str:
        """What the frames were compressed with; known after the last."""
        return self._after_all().codec

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file or the request; known after the last."""
        return (*self._odd, *self._after_all().warnings)

    def _after_all(self) -> Ended:
        if self._ended is None:
            raise RuntimeError("known once all frames have been handed out")
        return self._ended

    def _upright(self, facts: ImageFacts, pixels: Bytes) -> Image:
        rows = pixels.reshape(facts.height, facts.line_bytes)
        image = rows[:, : BYTES_PER_PIXEL * facts.width].reshape(facts.height, facts.width, -1)
        self._orientation = self._orientation or _orientation(facts)
        upright = self._orientation.apply(image)
        upright.flags.writeable = False
        return upright


def _orientation(facts: ImageFacts) -> Orientation:
    if facts.matrix is not None:
        return from_display_matrix(facts.matrix)
    return from_rotation(facts.turned_degrees)
