"""A file becomes a `Clip`, in a process that may die of it.

FFmpeg can crash on damaged files, and nothing in the same process can catch that. A forked child
decodes into memory it shares with its parent; its death is a property of the clip.
"""

import mmap
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from worker.contract import ErrorCode, Failure
from worker.domain import Clip, Frame, Image
from worker.errors import ClipError
from worker.process import ChildDied, call_in_child, limit_address_space
from worker.scratch import scratch_file
from worker.video.container import Container, identify
from worker.video.limits import DecodeLimits
from worker.video.reader import open_reader
from worker.video.timeline import arrange


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the child reports: times of all frames, and which of them lie in the shared memory."""

    codec: str
    nominal_fps: Fraction
    rotation: int
    shape: tuple[int, int, int]
    pictures: list[tuple[float | None, int | None]]
    """Presentation time, and position in the shared memory (None where it did not decode)."""


def decode(path: Path, limits: DecodeLimits) -> Clip:
    """Decode a file once, from start to end.

    Frames are upright, all of one size, and read-only views of memory that lives as long as they.
    Times are the stream's own and strictly rising. Call it where no other thread holds a lock: it
    forks.

    Raises:
        ClipError: The file cannot be used; the code says why.
    """
    container = identify(path, limits.max_bytes)
    with scratch_file() as memory:
        decoded = _decode_in_child(path, container, limits, memory)
        return _clip(container, decoded, _images(memory, decoded))


def _decode_in_child(
    path: Path, container: Container, limits: DecodeLimits, memory: Path
) -> _Decoded:
    try:
        answer = call_in_child(limits.timeout_s, _answer, path, container, limits, memory)
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
    path: Path, container: Container, limits: DecodeLimits, memory: Path
) -> _Decoded | Failure:
    """What the child does. A `ClipError` would not survive pickling; what it says does."""
    limit_address_space(limits.max_decoder_bytes)
    try:
        return _decode_into(path, container, limits, memory)
    except ClipError as error:
        return error.failure
    except MemoryError:
        return Failure(
            code=ErrorCode.TOO_MANY_PIXELS,
            detail="decoding takes too much memory",
            limit=limits.max_decoder_bytes,
        )


def _decode_into(path: Path, container: Container, limits: DecodeLimits, memory: Path) -> _Decoded:
    """Write the frames one after the other into `memory`."""
    pictures: list[tuple[float | None, int | None]] = []
    shape = (0, 0, 0)
    with open_reader(path, container, limits) as reader, memory.open("r+b", buffering=0) as file:
        position = 0
        for pts_s, image in reader.pictures():
            pictures.append((pts_s, None if image is None else position))
            if image is None:
                continue
            shape = (image.shape[0], image.shape[1], image.shape[2])
            position += 1
            _check_memory(position * image.nbytes, limits)
            file.write(image.data)
    if not position:
        raise _nothing_decoded(pictures)
    rotation = reader.orientation.rotation if reader.orientation else 0
    return _Decoded(reader.codec, reader.nominal_fps, rotation, shape, pictures)


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


def _clip(container: Container, decoded: _Decoded, images: Image) -> Clip:
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
        container.name,
        decoded.codec,
        decoded.rotation,
        decoded.nominal_fps,
        (*warnings, *timeline.warnings),
    )
