"""Frames into a video file: for the demo clip, for training data and for tests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
from av.video.stream import VideoStream

from worker.domain import Image

_FINE_TIME_BASE = Fraction(1, 10_000)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How frames are compressed. The container follows from the file's suffix."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    rotation: int = 0
    """Degrees clockwise by which a player has to turn the frames (phones record like this)."""
    is_mirrored: bool = False
    """Whether a player has to mirror the turned frames, left to right."""


H264: Final = Encoding(options={"crf": "17"})
"""Nearly lossless to the eye, and single-threaded: the same frames give the same bytes."""


def write_clip(
    path: Path,
    frames: Iterable[Image],
    fps: Fraction,
    encoding: Encoding = H264,
    pts_s: Sequence[float] | None = None,
) -> None:
    """Write uint8 [H, W, 3] RGB frames of one size.

    Args:
        path: File to write; `.mp4`, `.mov`, `.mkv`, `.webm` or `.avi`.
        frames: At least one; the default pixel format needs even sides.
        fps: Frame rate; with `pts_s` only what the header claims.
        encoding: Codec and its options.
        pts_s: Rising presentation times in seconds, one per frame, for a variable frame rate.
    """
    # Matroska would be given a random identity.
    options = {"fflags": "+bitexact"} if path.suffix in {".mkv", ".webm"} else {}
    with av.open(str(path), "w", options=options) as container:
        stream = _add_stream(container, fps, encoding)
        stream.codec_context.time_base = 1 / fps if pts_s is None else _FINE_TIME_BASE
        for frame in _frames(frames, stream, pts_s):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def recoded(frames: Iterable[Image], fps: Fraction, encoding: Encoding) -> list[Image]:
    """What a codec leaves of frames uint8 [H, W, 3]. Read back here: nobody else's file is."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        write_clip(file, frames, fps, encoding)
        with av.open(str(file)) as container:
            return [
                frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                for frame in container.decode(video=0)
            ]


def _add_stream(
    container: av.container.OutputContainer, fps: Fraction, encoding: Encoding
) -> VideoStream:
    stream = container.add_stream(encoding.codec, rate=fps, options=dict(encoding.options))
    if not isinstance(stream, VideoStream):
        raise TypeError(f"{encoding.codec} encodes no video")
    stream.pix_fmt = encoding.pixel_format
    stream.thread_count = 1  # slices, and with them the bytes, would follow the number of cores
    if encoding.rotation or encoding.is_mirrored:
        stream.set_display_rotation(-encoding.rotation, hflip=encoding.is_mirrored)
    return stream


def _frames(
    images: Iterable[Image], stream: VideoStream, pts_s: Sequence[float] | None
) -> Iterator[av.VideoFrame]:
    time_base = stream.codec_context.time_base
    for index, image in enumerate(images):
        if index == 0:
            stream.height, stream.width = image.shape[:2]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = index if pts_s is None else round(pts_s[index] / time_base)
        frame.time_base = time_base
        yield frame
