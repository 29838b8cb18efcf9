"""One sequential pass over a video file, within limits, frame by frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from worker.contract import ErrorCode
from worker.domain import Image
from worker.errors import ClipError
from worker.video.container import Container
from worker.video.failures import clip_error, mapped_errors
from worker.video.limits import DecodeLimits
from worker.video.upright import Upright, check_pixels

CODECS: Final = ("h264", "hevc", "vp8", "vp9", "av1", "mjpeg", "mpeg4")
_OPTIONS: Final = {"protocol_whitelist": "file"}

Picture: TypeAlias = tuple[float | None, Image | None]
"""Presentation time in seconds (None where the file gives none) and the upright RGB frame
(None where it did not decode)."""


@contextmanager
def open_reader(path: Path, container: Container, limits: DecodeLimits) -> Iterator["Reader"]:
    """A reader of the file's video stream.

    Raises:
        ClipError: The file is damaged, has no video stream, or one of another codec.
    """
    with (
        mapped_errors(),
        av.open(
            str(path), format=container.demuxer, options=_OPTIONS, metadata_errors="replace"
        ) as file,
    ):
        yield Reader(file, _video_stream(file), limits)


class Reader:
    """Hands out the frames of an opened file, in the order in which they decode."""

    def __init__(self, file: InputContainer, stream: VideoStream, limits: DecodeLimits) -> None:
        self.codec = stream.codec_context.codec.canonical_name
        self.nominal_fps = stream.average_rate or stream.guessed_rate or Fraction(0)
        self.upright = Upright(limits)
        self.frames_total = stream.frames or None
        """As the header says, which may be wrong."""
        self.warnings: tuple[str, ...] = ()
        self._file = file
        self._stream = stream
        self._limits = limits
        self._start_s: float | None = None

    def pictures(self) -> Iterator[Picture]:
        """Every frame once; one that does not decode is handed out as None and passed over."""
        check_pixels(self._stream.width, self._stream.height, self._limits)
        for count, picture in enumerate(self._decode(), start=1):
            self._check(count, picture[0])
            yield picture

    def _decode(self) -> Iterator[Picture]:
        for packet in self._file.demux(self._stream):
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if clip_error(error) is None:
                    raise
                yield self._seconds(packet.pts), None
                continue
            for frame in frames:
                yield self._seconds(frame.pts), self.upright.picture(frame)

    def _seconds(self, pts: int | None) -> float | None:
        return None if pts is None else float(pts * (self._stream.time_base or 0))

    def _check(self, count: int, pts_s: float | None) -> None:
        limits = self._limits
        if count > limits.max_frames:
            raise ClipError(
                ErrorCode.TOO_MANY_FRAMES, "the clip has too many frames", limit=limits.max_frames
            )
        if pts_s is None:
            return
        if self._start_s is None:
            self._start_s = pts_s
        if (duration_s := pts_s - self._start_s) > limits.max_duration_s:
            raise ClipError(
                ErrorCode.TOO_LONG,
                "the clip is too long",
                limit=limits.max_duration_s,
                measured=max(duration_s, float((self._file.duration or 0) / av.time_base)),
            )


def _video_stream(file: InputContainer) -> VideoStream:
    """The first stream of moving pictures: cover art is a picture, not video."""
    videos = [
        stream
        for stream in file.streams.video
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
    ]
    if not videos:
        raise ClipError(ErrorCode.NO_VIDEO_STREAM, "the file holds no video stream")
    stream = videos[0]
    # PyAV types it as always there; a codec FFmpeg cannot decode leaves none.
    name = (
        getattr(stream.codec_context, "codec", None) and stream.codec_context.codec.canonical_name
    )
    if name not in CODECS:
        raise ClipError(
            ErrorCode.UNSUPPORTED_CODEC,
            f"the codec {name or 'of the video'} is not supported; {', '.join(CODECS)} are",
        )
    # One thread keeps an error with the frame it belongs to; clips run side by side anyway.
    stream.thread_count = 1
    return stream
