"""Whether this machine can decode strangers' files safely, tried out on a picture of our own."""

import logging
import re
import struct
import zipfile
import zlib
from typing import Final

from worker.errors import ClipError, DecoderBroken, DecoderUnfit
from worker.scratch import scratch_file
from worker.video.confine import filter_program
from worker.video.decoder import Decoder
from worker.video.limits import DecodeLimits
from worker.video.messages import Opened, Picture

OLDEST_FFMPEG: Final = (8, 1, 2)
"""Older ones let a video write beyond a buffer (heap overflow in a decoder, 2026)."""
_VERSION: Final = re.compile(r"n?(\d+)\.(\d+)(?:\.(\d+))?")
_SIDE: Final = 8
_LOG = logging.getLogger(__name__)


def check_decoder(limits: DecodeLimits) -> str:
    """Decode a picture exactly as clips are decoded.

    Returns:
        FFmpeg's version.

    Raises:
        DecoderUnfit: That does not work, or FFmpeg is too old.
    """
    try:
        version = _tried(limits)
    except (ClipError, DecoderBroken) as error:
        raise DecoderUnfit(f"a picture of our own does not decode: {error}") from error
    if is_too_old(version):
        wanted = ".".join(map(str, OLDEST_FFMPEG))
        raise DecoderUnfit(f"FFmpeg {version or 'of unknown version'} is older than {wanted}")
    if not filter_program():
        _LOG.warning("libseccomp is missing: system calls of the decoder are not filtered")
    return version


def is_too_old(version: str) -> bool:
    """Whether an FFmpeg of that version must not be used; so too where it says none."""
    found = _VERSION.match(version)
    return found is None or tuple(int(part or 0) for part in found.groups()) < OLDEST_FFMPEG


def _tried(limits: DecodeLimits) -> str:
    version = ""
    pictures = 0
    with scratch_file() as path:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("1.png", _black_square())
        with path.open("rb") as stored, Decoder(stored, "", 1.0, limits) as decoder:
            for message, _ in decoder.messages():
                if isinstance(message, Opened):
                    version = message.ffmpeg
                pictures += isinstance(message, Picture) and message.image is not None
    if not pictures:
        raise DecoderUnfit("a picture of our own does not decode")
    return version


def _black_square() -> bytes:
    """A PNG, grey, 8 bits."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((_SIDE + 1) * _SIDE))
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + _checksum(kind + content)
        for kind, content in chunks
    )


def _checksum(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))
