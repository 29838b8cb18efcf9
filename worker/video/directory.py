"""How much an archive lists, looked up before anybody reads the list."""

import io
import struct
from typing import BinaryIO, Final

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.video.limits import DecodeLimits

_END: Final = b"PK\x05\x06"
_WIDE_END: Final = b"PK\x06\x06"
_MOST_COMMENT: Final = 1 << 16
_SIZE: Final = struct.Struct("<12xI")
"""In the ending: how many bytes the directory takes."""
_WIDE_SIZE: Final = struct.Struct("<40xQ")
"""The same in the ending of large archives."""
_BYTES_PER_FRAME: Final = 512
"""Room for a path, for folders, and for what systems leave beside frames."""
_LEAST_LIMIT: Final = 1 << 16


def check_directory(stored: BinaryIO, limits: DecodeLimits) -> None:
    """Refuse archives that list far more than a clip may have: reading the list would take minutes.

    Raises:
        ClipError: BAD_ARCHIVE.
    """
    most = max(_LEAST_LIMIT, limits.max_frames * _BYTES_PER_FRAME)
    size = stored.seek(0, io.SEEK_END)
    stored.seek(max(0, size - 2 * _MOST_COMMENT))
    listed = _directory_bytes(stored.read())
    stored.seek(0)
    if listed > most:
        raise ClipError(
            ErrorCode.BAD_ARCHIVE,
            "the archive lists far more files than a clip has frames",
            limit=most,
            measured=listed,
        )


def _directory_bytes(tail: bytes) -> int:
    """What the endings say, the larger; 0 where there are none."""
    sizes = [0]
    for mark, field in ((_END, _SIZE), (_WIDE_END, _WIDE_SIZE)):
        start = tail.rfind(mark)
        if 0 <= start <= len(tail) - field.size:
            sizes += field.unpack_from(tail, start)
    return max(sizes)
