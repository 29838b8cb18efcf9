"""A file as `Footage`: windows of frames, decoded as they are asked for."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.codes import ErrorCode
from worker.domain import Frame
from worker.errors import ClipError
from worker.throttle import Throttle
from worker.video.limits import DecodeLimits
from worker.video.stream import ClipStream, TimedImage, open_clip
from worker.video.timeline import Timeline, arrange

_SAY_EVERY_S: Final = 0.1

Counts = tuple[int, int | None]
"""Frames decoded so far, and how many there should be, None while unknown."""


def ignore(counts: Counts) -> None:
    """Tell nobody."""


@contextmanager
def open_footage(
    path: Path,
    limits: DecodeLimits,
    *,
    fps: float | None = None,
    hear: Callable[[Counts], None] = ignore,
) -> Generator["FileFootage"]:
    """The frames of a file, which a process of its own decodes.

    Frames are upright, all of one size, and read-only. Times are the stream's own and strictly
    rising.

    Args:
        path: A video, or an archive of numbered frames.
        limits: What it may cost; `timeout_s` counts the time spent waiting for the decoder.
        fps: Frames per second of an archive; a video has times of its own.
        hear: Told now and then how far it is.

    Raises:
        ClipError: The file cannot be used; the code says why. Also while frames are handed out.
        DecoderBroken: The decoder failed in a way that is not the clip's fault.
    """
    with open_clip(path, limits, fps=fps) as stream:
        yield FileFootage(stream, limits, hear)


class FileFootage:
    """Hands out the frames of a file by windows of at most so many bytes and frames."""

    def __init__(
        self, stream: ClipStream, limits: DecodeLimits, hear: Callable[[Counts], None] = ignore
    ) -> None:
        self._stream = stream
        self._limits = limits
        self._hear = hear
        self._throttle = Throttle(_SAY_EVERY_S)
        self._times: list[npt.NDArray[np.float64]] = []
        self._count = 0
        self._failed = 0
        self._size: tuple[int, int] | None = None
        self._timeline: Timeline | None = None
        self._windows = self._read()
        self._begun: list[Sequence[Frame]] = []

    @property
    def container(self) -> str:
        """Kind of file."""
        return self._stream.container.name

    @property
    def codec(self) -> str:
        """What the frames were compressed with."""
        return self._stream.codec

    @property
    def rotation(self) -> int:
        """Degrees clockwise by which frames are turned."""
        return self._stream.rotation

    @property
    def frames_total(self) -> int | None:
        """As the header says, which may be wrong."""
        return self._stream.frames_total

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames.

        Raises:
            ClipError: None has been decoded.
        """
        if self._size is None:
            raise _nothing_decoded(self._count)
        return self._size

    @property
    def pts_s(self) -> npt.NDArray[np.float64]:
        """Times of the frames handed out, f64 [N]."""
        return np.concatenate([np.empty(0), *self._times])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file, or the request."""
        failed = (f"{self._failed} frames did not decode",) * (self._failed > 0)
        times = self._timeline.warnings if self._timeline else ()
        return (*self._stream.warnings, *failed, *times)

    def windows(self) -> Iterator[Sequence[Frame]]:
        """Every frame once, in order of time, a part of the clip at a time.

        Raises:
            ClipError: The file cannot be used; the code says why.
        """
        if self._begun:
            yield self._begun.pop()
        yield from self._windows

    def begin(self) -> None:
        """Decode the first window already.

        Raises:
            ClipError: The file cannot be used; the code says why.
        """
        self._begun = [next(self._windows)]

    def _read(self) -> Iterator[Sequence[Frame]]:
        pictures = self._stream.pictures()
        for first in pictures:
            yield self._arranged(self._gathered(chain([first], pictures)))
        if self._size is None:
            raise _nothing_decoded(self._count)

    def _gathered(self, pictures: Iterator[TimedImage]) -> list[TimedImage]:
        """As many as a window holds, and at least one."""
        limits = self._limits
        window: list[TimedImage] = []
        bytes_left = limits.window_bytes
        for pts_s, image in pictures:
            window.append((pts_s, image))
            self._count += 1
            if self._throttle.is_due():
                self._hear((self._count, self.frames_total))
            if image is not None:
                self._size = (image.shape[1], image.shape[0])
                bytes_left -= image.nbytes
            is_full = image is not None and bytes_left < image.nbytes
            if is_full or len(window) >= limits.window_frames:
                break
        return window

    def _arranged(self, pictures: Sequence[TimedImage]) -> list[Frame]:
        given = [pts_s for pts_s, _ in pictures]
        before = (self._timeline,) if self._timeline else ()
        timeline = self._timeline = arrange(given, self._stream.nominal_fps, *before)
        images = [pictures[index][1] for index in timeline.order]
        self._times.append(timeline.pts_s)
        self._failed += sum(image is None for image in images)
        first = self._count - len(images)
        return [
            Frame(index, float(pts_s), image)
            for index, (pts_s, image) in enumerate(
                zip(timeline.pts_s, images, strict=True), start=first
            )
        ]


def _nothing_decoded(frames: int) -> ClipError:
    if frames:
        return ClipError(ErrorCode.DAMAGED_VIDEO, "no frame of the video can be decoded")
    return ClipError(ErrorCode.NO_FRAMES, "the video stream holds no frames")
