"""How large a picture says it is, read from its head before any decoder takes memory for it."""

import struct
from typing import Final

_PNG: Final = struct.Struct(">16xII")
_BMP: Final = struct.Struct("<18xii")
_JPEG_MARK: Final = 0xFF
_JPEG_START: Final = 2
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the headers that state a size."""
_JPEG_BARE: Final = frozenset(range(0xD0, 0xDA)) | {0x01}
"""Markers without content."""
_JPEG_SIZE: Final = struct.Struct(">5xHH")


def stated_size(kind: str, content: bytes) -> tuple[int, int]:
    """Width and height of a picture of a kind (png, bmp, jpeg); 0, 0 where it states none."""
    try:
        match kind:
            case "png":
                width, height = _PNG.unpack_from(content)
            case "bmp":
                width, height = _BMP.unpack_from(content)
            case _:
                height, width = _jpeg_size(content)
    except struct.error:  # cut short: the decoder says so
        return 0, 0
    return abs(width), abs(height)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Height and width by the first frame header."""
    position = _JPEG_START
    while position + 1 < len(content) and content[position] == _JPEG_MARK:
        kind = content[position + 1]
        if kind in _JPEG_FRAMES:
            height, width = _JPEG_SIZE.unpack_from(content, position)
            return height, width
        if kind == _JPEG_MARK:  # padding
            position += 1
        elif kind in _JPEG_BARE:
            position += 2
        else:
            position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4], "big"))
    return 0, 0
