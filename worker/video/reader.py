"""One sequential pass over a video file, within limits. Runs in the decoder's process."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.video.allowed import CODECS, CONTAINER_OPTIONS, DECODERS, DEMUXERS
from worker.video.failures import clip_error, mapped_errors
from worker.video.limits import DecodeLimits
from worker.video.pixels import Pixels, check_pixels
from worker.video.raw import RawPicture

_PACKETS_PER_FRAME = 2
"""Some codecs have frames that are not shown. Edit lists may demand others again and again."""


@contextmanager
def open_reader(stored: BinaryIO, demuxer: str, limits: DecodeLimits) -> Iterator["Reader"]:
    """A reader of the file's video stream.

    Raises:
        ClipError: The file is damaged, has no video stream, or one of another codec.
        ValueError: The demuxer is none of those allowed.
    """
    if demuxer not in DEMUXERS:
        raise ValueError(demuxer)
    with mapped_errors(), _opened(stored, demuxer) as file:
        yield Reader(file, _video_stream(file), limits)


def _opened(stored: BinaryIO, demuxer: str) -> InputContainer:
    try:
        return av.open(
            stored,
            "r",
            format=demuxer,
            container_options=dict(CONTAINER_OPTIONS),
            metadata_errors="replace",
            io_open=_follow_nothing,
        )
    except av.error.MemoryError as error:
        raise ClipError(
            ErrorCode.DAMAGED_VIDEO, "the file's header speaks of more than any clip holds"
        ) from error


class Reader:
    """Hands out the frames of an opened file, in the order in which they decode."""

    def __init__(self, file: InputContainer, stream: VideoStream, limits: DecodeLimits) -> None:
        self.codec = stream.codec_context.codec.canonical_name
        rate = stream.average_rate or stream.guessed_rate or Fraction(0)
        self.nominal_fps = max(rate, Fraction(0))
        self.frames_total = stream.frames or None
        """As the header says, which may be wrong."""
        self.warnings: tuple[str, ...] = ()
        self._file = file
        self._stream = stream
        self._limits = limits
        self._pixels = Pixels(limits)
        self._span_s = (math.inf, -math.inf)

    def pictures(self) -> Iterator[RawPicture]:
        """Every frame once; one that does not decode is handed out as None and passed over."""
        check_pixels(self._stream.width, self._stream.height, self._limits)
        for count, picture in enumerate(self._decode(), start=1):
            self._check(count, picture.pts_s)
            yield picture

    def _decode(self) -> Iterator[RawPicture]:
        most = _PACKETS_PER_FRAME * self._limits.max_frames
        for number, packet in enumerate(self._file.demux(self._stream)):
            if number > most:
                raise _too_many(self._limits)
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if clip_error(error) is None:
                    raise
                yield RawPicture(self._seconds(packet.pts), None)
                continue
            for frame in frames:
                yield RawPicture(self._seconds(frame.pts), self._pixels.of(frame))

    def _seconds(self, pts: int | None) -> float | None:
        return None if pts is None else float(pts * (self._stream.time_base or 0))

    def _check(self, count: int, pts_s: float | None) -> None:
        limits = self._limits
        if count > limits.max_frames:
            raise _too_many(limits)
        if pts_s is None:
            return
        first_s, last_s = self._span_s = min(self._span_s[0], pts_s), max(self._span_s[1], pts_s)
        if (duration_s := last_s - first_s) > limits.max_duration_s:
            raise ClipError(
                ErrorCode.TOO_LONG,
                "the clip is too long",
                limit=limits.max_duration_s,
                measured=max(duration_s, float((self._file.duration or 0) / av.time_base)),
            )


def _too_many(limits: DecodeLimits) -> ClipError:
    return ClipError(
        ErrorCode.TOO_MANY_FRAMES, "the clip has too many frames", limit=limits.max_frames
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
    _check_decoder(stream)
    for other in file.streams:
        other.discard = Discard.default if other is stream else Discard.all
    # One thread keeps an error with the frame it belongs to; clips run side by side anyway.
    stream.thread_count = 1
    return stream


def _check_decoder(stream: VideoStream) -> None:
    # PyAV types it as always there; a codec FFmpeg cannot decode leaves none.
    codec = getattr(stream.codec_context, "codec", None)
    if codec is None or codec.name not in DECODERS:
        name = codec.canonical_name if codec else "of the video"
        raise ClipError(
            ErrorCode.UNSUPPORTED_CODEC,
            f"the codec {name} is not supported; {', '.join(CODECS)} are",
        )


def _follow_nothing(url: str, flags: int, options: object) -> NoReturn:  # noqa: ARG001  # PyAV's
    """Stands where FFmpeg would open what a file refers to."""
    raise ClipError(ErrorCode.DAMAGED_VIDEO, "the clip refers to something outside itself")
