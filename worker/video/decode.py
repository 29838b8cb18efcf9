"""A file becomes a `Clip`, in a process that may die of it.

FFmpeg can crash on damaged files, and nothing in the same process can catch that. A forked child
decodes into memory it shares with its parent; its death is a property of the clip.
"""

import mmap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from worker.contract import ErrorCode, Failure
from worker.domain import Clip, Frame, Image
from worker.errors import ClipError
from worker.process import ChildDied, follow_child, limit_address_space
from worker.scratch import scratch_file
from worker.throttle import Throttle
from worker.video.archive import open_archive
from worker.video.container import ARCHIVE, Container, identify
from worker.video.limits import DecodeLimits
from worker.video.reader import Picture, open_reader
from worker.video.timeline import arrange
from worker.video.upright import Upright

_SAY_EVERY_S: Final = 0.1

Counts = tuple[int, int | None]
"""Frames decoded so far, and how many there should be, None while unknown."""


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
    def upright(self) -> Upright:
        """How they are turned."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file."""

    def pictures(self) -> Iterator[Picture]:
        """Every frame once."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be decoded: `fps` is the rate of an archive of frames."""

    path: Path
    container: Container
    fps: float | None

    def open(self, limits: DecodeLimits) -> AbstractContextManager[FrameSource]:
        """Its frames.

        Raises:
            ClipError: It cannot be used.
        """
        if self.container == ARCHIVE:
            return open_archive(self.path, limits, self.fps)
        return open_reader(self.path, self.container, limits)

    def warnings(self) -> tuple[str, ...]:
        """What is odd about the request."""
        if self.fps is None or self.container == ARCHIVE:
            return ()
        return ("`fps` is for archives of frames: the times are the video's own",)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the child reports: times of all frames, and which of them lie in the shared memory."""

    codec: str
    nominal_fps: Fraction
    rotation: int
    shape: tuple[int, int, int]
    pictures: list[tuple[float | None, int | None]]
    """Presentation time, and position in the shared memory (None where it did not decode)."""
    warnings: tuple[str, ...]


def ignore(counts: Counts) -> None:
    """Tell nobody."""


def decode(
    path: Path,
    limits: DecodeLimits,
    *,
    fps: float | None = None,
    hear: Callable[[Counts], None] = ignore,
) -> Clip:
    """Decode a file once, from start to end.

    Frames are upright, all of one size, and read-only views of memory that lives as long as they.
    Times are the stream's own and strictly rising. Call it where no other thread holds a lock: it
    forks.

    Args:
        path: A video, or an archive of numbered frames.
        limits: What it may cost.
        fps: Frames per second of an archive; a video has times of its own.
        hear: Told now and then how far it is.

    Raises:
        ClipError: The file cannot be used; the code says why.
    """
    source = Source(path, identify(path, limits.max_bytes), fps)
    with scratch_file() as memory:
        decoded = _decode_in_child(source, limits, memory, hear)
        return _clip(source, decoded, _images(memory, decoded))


def _decode_in_child(
    source: Source, limits: DecodeLimits, memory: Path, hear: Callable[[Counts], None]
) -> _Decoded:
    try:
        answer = follow_child(limits.timeout_s, hear, _answer, source, limits, memory)
    except TimeoutError as error:
        raise ClipError(
            ErrorCode.DEADLINE_EXCEEDED, "decoding takes too long", limit=limits.timeout_s
        ) from error
    except ChildDied as error:
        if not error.is_crash:
            raise
        raise ClipError(ErrorCode.DAMAGED_VIDEO, "the decoder crashed on this file") from error
    if isinstance(answer, Failure):
        raise ClipError(answer.code, answer.detail, limit=answer.limit, measured=answer.measured)
    return answer


def _answer(
    tell: Callable[[Counts], None], source: Source, limits: DecodeLimits, memory: Path
) -> _Decoded | Failure:
    """What the child does. A `ClipError` would not survive pickling; what it says does."""
    limit_address_space(limits.max_decoder_bytes)
    try:
        return _decode_into(memory, source, limits, tell)
    except ClipError as error:
        return error.failure
    except MemoryError:
        return Failure(
            code=ErrorCode.TOO_MANY_PIXELS,
            detail="decoding takes too much memory",
            limit=limits.max_decoder_bytes,
        )


def _decode_into(
    memory: Path, source: Source, limits: DecodeLimits, tell: Callable[[Counts], None]
) -> _Decoded:
    """Write the frames one after the other into `memory`."""
    pictures: list[tuple[float | None, int | None]] = []
    shape = (0, 0, 0)
    throttle = Throttle(_SAY_EVERY_S)
    with source.open(limits) as frames, memory.open("r+b", buffering=0) as file:
        position = 0
        for pts_s, image in frames.pictures():
            pictures.append((pts_s, None if image is None else position))
            if throttle.is_due():
                tell((len(pictures), frames.frames_total))
            if image is None:
                continue
            shape = (image.shape[0], image.shape[1], image.shape[2])
            position += 1
            _check_memory(position * image.nbytes, limits)
            file.write(image.data)
    if not position:
        raise _nothing_decoded(pictures)
    return _Decoded(
        frames.codec, frames.nominal_fps, frames.upright.rotation, shape, pictures, frames.warnings
    )


def _check_memory(size: int, limits: DecodeLimits) -> None:
    if size > limits.max_decoded_bytes:
        raise ClipError(
            ErrorCode.TOO_MANY_PIXELS,
            "the decoded frames take too many bytes",
            limit=limits.max_decoded_bytes,
            measured=size,
        )


def _nothing_decoded(pictures: list[tuple[float | None, int | None]]) -> ClipError:
    if pictures:
        return ClipError(ErrorCode.DAMAGED_VIDEO, "no frame of the video can be decoded")
    return ClipError(ErrorCode.NO_FRAMES, "the video stream holds no frames")


def _images(memory: Path, decoded: _Decoded) -> Image:
    """All frames uint8 [N, H, W, 3], mapped, not copied."""
    with memory.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, dtype=np.uint8).reshape(-1, *decoded.shape)


def _clip(source: Source, decoded: _Decoded, images: Image) -> Clip:
    timeline = arrange([pts_s for pts_s, _ in decoded.pictures], decoded.nominal_fps)
    positions = [decoded.pictures[index][1] for index in timeline.order]
    frames = tuple(
        Frame(index, float(pts_s), None if position is None else images[position])
        for index, (pts_s, position) in enumerate(zip(timeline.pts_s, positions, strict=True))
    )
    failed = positions.count(None)
    warnings = [f"{failed} frames did not decode"] * (failed > 0)
    return Clip(
        frames,
        source.container.name,
        decoded.codec,
        decoded.rotation,
        decoded.nominal_fps,
        (*source.warnings(), *decoded.warnings, *warnings, *timeline.warnings),
    )
