"""Which container a file is, by its first bytes, and whether the file ends before the container.

Naming the demuxer keeps FFmpeg from probing the dozens it has (playlists, image sequences and
network formats among them). Files cut short are told from their box sizes before any decoder
sees them: some make FFmpeg crash.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from worker.codes import ErrorCode
from worker.errors import ClipError

_MP4_FIRST_BOXES: Final = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_MP4_BOX_HEADER = 8
_MP4_MOST_BOXES: Final = 100_000
"""Two for every fragment."""
_MP4_NEEDED: Final = {b"moov", b"mdat"}
"""The index, and what it leads to."""
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""A member, or the end of an archive that holds none."""
_EBML: Final = b"\x1aE\xdf\xa3"
_SEGMENT: Final = b"\x18S\x80g"
_EBML_ID_BYTES = 4
_EBML_PROBE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Container:
    """A container format: the name users know, and FFmpeg's demuxer for it (none for archives)."""

    name: str
    demuxer: str


ARCHIVE: Final = Container("zip", "")
"""Of numbered frames."""
CONTAINERS: Final = ("mp4", "mov", "webm", "mkv", "avi", ARCHIVE.name)


def identify(path: Path, max_bytes: int) -> Container:
    """The container of a file, which is all there as far as its own sizes tell.

    Raises:
        ClipError: EMPTY_FILE, TOO_LARGE, NOT_A_VIDEO, or DAMAGED_VIDEO for a file cut short.
    """
    size = path.stat().st_size
    if size == 0:
        raise ClipError(ErrorCode.EMPTY_FILE, "the file is empty")
    if size > max_bytes:
        raise ClipError(
            ErrorCode.TOO_LARGE, "the file is too large", limit=max_bytes, measured=size
        )
    with path.open("rb") as file:
        start = file.read(_EBML_PROBE_BYTES)
        container = _recognise(start)
        file.seek(0)
        if _is_cut_short(container, file, start, size):
            raise ClipError(ErrorCode.DAMAGED_VIDEO, f"the {container.name} file is cut short")
    return container


def _recognise(start: bytes) -> Container:
    if start[4:8] in _MP4_FIRST_BOXES:
        is_quicktime = start[4:12] == b"ftypqt  " or start[4:8] != b"ftyp"
        return Container("mov" if is_quicktime else "mp4", "mov")
    if start.startswith(_EBML):
        return Container("webm" if b"webm" in start[:64] else "mkv", "matroska")
    if start.startswith(b"RIFF") and start[8:12] == b"AVI ":
        return Container("avi", "avi")
    if start.startswith(_ZIP_STARTS):
        return ARCHIVE
    raise ClipError(ErrorCode.NOT_A_VIDEO, f"the file is none of {', '.join(CONTAINERS)}")


def _is_cut_short(container: Container, file: BinaryIO, start: bytes, size: int) -> bool:
    if container == ARCHIVE:
        return False  # its directory lies at its end: reading it tells
    if container.demuxer == "mov":
        boxes = dict(_mp4_boxes(file, size))
        return not boxes.keys() >= _MP4_NEEDED or any(end > size for end in boxes.values())
    if container.demuxer == "avi":
        return 8 + int.from_bytes(start[4:8], "little") > size
    end = _segment_end(start)
    return end is not None and end > size


def _mp4_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end of every top-level box, up to the file's end or the first that is none."""
    offset = 0
    for _ in range(_MP4_MOST_BOXES):
        file.seek(offset)
        if len(header := file.read(16)) < _MP4_BOX_HEADER:
            return
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:  # the length follows in 64 bits
            length = int.from_bytes(header[8:], "big")
        if length < _MP4_BOX_HEADER or not kind.isalnum():
            # Nought reaches to the end of the file; anything else here is padding or junk.
            yield kind, offset
            return
        offset += length
        yield kind, offset
        if offset > size:
            return
    raise ClipError(ErrorCode.DAMAGED_VIDEO, "the file consists of far too many parts")


def _segment_end(start: bytes) -> int | None:
    """Where the Matroska segment ends; None where the file was written as a live stream."""
    offset = start.find(_SEGMENT)
    if offset < 0:
        return None
    offset += _EBML_ID_BYTES
    # The leading zero bits of the first byte give the number of bytes of the length.
    width = 9 - int.from_bytes(start[offset : offset + 1], "big").bit_length()
    length = int.from_bytes(start[offset : offset + width], "big") & ((1 << 7 * width) - 1)
    is_unknown = length == (1 << 7 * width) - 1
    return None if is_unknown else offset + width + length
