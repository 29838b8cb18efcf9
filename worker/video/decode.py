"""A file becomes a `Clip`, all of its frames in memory."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from worker.codes import ErrorCode
from worker.domain import Clip
from worker.errors import ClipError
from worker.video.footage import Counts, FileFootage, ignore
from worker.video.limits import DecodeLimits
from worker.video.stream import open_clip


def decode(
    path: Path,
    limits: DecodeLimits,
    *,
    fps: float | None = None,
    hear: Callable[[Counts], None] = ignore,
) -> Clip:
    """Decode a short clip from start to end: all of it is held, up to `max_decoded_bytes`.

    Args:
        path: A video, or an archive of numbered frames.
        limits: What it may cost.
        fps: Frames per second of an archive; a video has times of its own.
        hear: Told now and then how far it is.

    Raises:
        ClipError: The file cannot be used; the code says why.
        DecoderBroken: The decoder failed in a way that is not the clip's fault.
    """
    one_window = replace(
        limits, window_bytes=limits.max_decoded_bytes, window_frames=limits.max_frames + 1
    )
    with open_clip(path, limits, fps=fps) as stream:
        footage = FileFootage(stream, one_window, hear)
        windows = footage.windows()
        frames = tuple(next(windows, ()))
        held = sum(frame.image.nbytes for frame in frames if frame.image is not None)
        if held > limits.max_decoded_bytes or any(chain.from_iterable(windows)):
            raise ClipError(
                ErrorCode.TOO_MANY_PIXELS,
                "the decoded frames take too many bytes",
                limit=limits.max_decoded_bytes,
            )
        return Clip(
            frames,
            footage.container,
            footage.codec,
            footage.rotation,
            stream.nominal_fps,
            footage.warnings,
        )
