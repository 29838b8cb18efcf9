"""An archive of numbered frames, read member by member: nothing of it ever lies on a disk.

Runs in the decoder's process.
"""

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import BinaryIO, Final, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

import av
from av.video.codeccontext import VideoCodecContext

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.video.allowed import PICTURE_DECODERS
from worker.video.directory import check_directory
from worker.video.failures import clip_error
from worker.video.limits import DecodeLimits
from worker.video.numbering import Numbered, gap_warnings, number_frames
from worker.video.pictures import stated_size
from worker.video.pixels import Pixels, check_pixels
from worker.video.raw import RawImage, RawPicture

_KINDS: Final = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"BM", "bmp"))
"""By first bytes: a suffix promises nothing."""
_OPTIONS: Final = {"err_detect": "explode"}
"""A picture cut short is an error, not half a picture."""
_BYTES_PER_PIXEL: Final = 8
"""Of the widest uncompressed picture: four channels of 16 bits."""
_HEADERS: Final = 1 << 20
_FINEST_RATE: Final = 100_000


@contextmanager
def open_archive(
    stored: BinaryIO, limits: DecodeLimits, fps: float | None
) -> Iterator["ArchiveReader"]:
    """A reader of the frames in an archive that plays at `fps` frames per second.

    Raises:
        ClipError: BAD_ARCHIVE, DAMAGED_VIDEO, or the code of the limit it passes.
    """
    if fps is None:
        raise ClipError(
            ErrorCode.BAD_ARCHIVE, "an archive of frames has no clock: say its rate as `fps`"
        )
    with _mapped_errors():
        check_directory(stored, limits)
    with _mapped_errors(), ZipFile(stored) as file:
        yield ArchiveReader(file, number_frames(file.infolist()), limits, fps)


class ArchiveReader:
    """Hands out the frames of an opened archive by rising number."""

    def __init__(
        self, file: ZipFile, frames: list[Numbered], limits: DecodeLimits, fps: float
    ) -> None:
        _check(frames, limits, fps)
        self.nominal_fps = Fraction(fps).limit_denominator(_FINEST_RATE)
        self.frames_total: int | None = len(frames)
        self.warnings = gap_warnings([frame.number for frame in frames])
        self._file = file
        self._frames = frames
        self._limits = limits
        self._fps = fps
        self._pixels = Pixels(limits)
        self._unpacked = 0
        self._kinds: set[str] = set()

    @property
    def codec(self) -> str:
        """The kinds of pictures among the frames handed out."""
        return "+".join(sorted(self._kinds))

    def pictures(self) -> Iterator[RawPicture]:
        """Every frame once; one that does not decode is handed out as None."""
        first = self._frames[0].number
        for frame in self._frames:
            image = self._decode(self._unpack(frame.member))
            yield RawPicture((frame.number - first) / self._fps, image)

    def _unpack(self, member: ZipInfo) -> bytes:
        """The bytes of a member, counted while they unpack: what its header says is not asked."""
        most = self._limits.max_pixels * _BYTES_PER_PIXEL + _HEADERS
        with self._file.open(member) as stream:
            content = stream.read(most + 1)
        _check_unpacked(len(content), most, "a frame")
        self._unpacked += len(content)
        _check_unpacked(self._unpacked, self._limits.max_decoded_bytes, "the archive")
        return content

    def _decode(self, content: bytes) -> RawImage | None:
        kind = next((kind for start, kind in _KINDS if content.startswith(start)), None)
        if kind is None:
            return None
        self._kinds.add(kind)
        check_pixels(*stated_size(kind, content), self._limits)
        # A context for each, so that no frame leaves traces in the next.
        decoder = cast(VideoCodecContext, av.CodecContext.create(PICTURE_DECODERS[kind], "r"))
        decoder.thread_count = 1
        decoder.options = dict(_OPTIONS)
        try:
            frames = decoder.decode(av.Packet(content))
        except av.FFmpegError as error:
            failure = clip_error(error)
            if failure is None:
                raise
            if failure.code is ErrorCode.DAMAGED_VIDEO:
                return None
            raise failure from error
        return self._pixels.of(frames[0]) if frames else None


def _check(frames: list[Numbered], limits: DecodeLimits, fps: float) -> None:
    if len(frames) > limits.max_frames:
        raise ClipError(
            ErrorCode.TOO_MANY_FRAMES,
            "the archive has too many frames",
            limit=limits.max_frames,
            measured=len(frames),
        )
    duration_s = (frames[-1].number - frames[0].number) / fps
    if duration_s > limits.max_duration_s:
        raise ClipError(
            ErrorCode.TOO_LONG,
            "the clip is too long",
            limit=limits.max_duration_s,
            measured=duration_s,
        )


def _check_unpacked(size: int, most: int, what: str) -> None:
    if size > most:
        raise ClipError(
            ErrorCode.BAD_ARCHIVE,
            f"{what} unpacks to too many bytes",
            limit=most,
            measured=size,
        )


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise ClipError(
            ErrorCode.BAD_ARCHIVE, "the archive uses features that are not supported"
        ) from error
    except (BadZipFile, zlib.error, struct.error, EOFError, UnicodeDecodeError) as error:
        raise ClipError(
            ErrorCode.DAMAGED_VIDEO, f"the archive is cut short or damaged: {error}"
        ) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # else its own directory points before its start
            raise
        raise ClipError(ErrorCode.DAMAGED_VIDEO, "the archive points outside itself") from error
