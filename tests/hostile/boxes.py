"""Boxes of MP4 files: found, changed, made."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = 8
_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta"}
_INNER_OFFSETS = {b"stsd": 16, b"dref": 16, b"avc1": 86}
"""Boxes that hold boxes after fields of their own: how long they are with their header."""


@dataclass(frozen=True)
class Box:
    """Where a box lies."""

    path: str
    """Kinds from the outermost to its own, such as `moov.trak.tkhd`."""
    start: int
    end: int

    @property
    def body(self) -> int:
        """Where its content begins."""
        return self.start + HEADER


def walk(content: bytes, start: int = 0, end: int | None = None, above: str = "") -> Iterator[Box]:
    """All boxes, each before those in it."""
    end = len(content) if end is None else end
    while start + HEADER <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        if size < HEADER or start + size > end:
            return
        box = Box(above + kind.decode("latin-1"), start, start + size)
        yield box
        inner = HEADER if kind in _PARENTS else _INNER_OFFSETS.get(kind)
        if inner:
            yield from walk(content, start + inner, box.end, f"{box.path}.")
        start = box.end


def find(content: bytes, path: str) -> Box:
    """The first box of that path."""
    return next(box for box in walk(content) if box.path == path)


def patched(content: bytes, offset: int, new: bytes) -> bytes:
    """With some bytes replaced."""
    return content[:offset] + new + content[offset + len(new) :]


def field(content: bytes, path: str, offset: int, value: int, size: int = 4) -> bytes:
    """With a field of a box changed; `offset` counts from its content."""
    new = (value % (1 << 8 * size)).to_bytes(size, "big")
    return patched(content, find(content, path).body + offset, new)


def renamed(content: bytes, path: str, kind: bytes) -> bytes:
    """With a box of another kind."""
    return patched(content, find(content, path).start + 4, kind)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A new one."""
    body = b"".join(parts)
    return struct.pack(">I4s", HEADER + len(body), kind) + body


def replaced(content: bytes, path: str, new: bytes) -> bytes:
    """With a box replaced by another; those around it grow. For files whose index lies last."""
    old = find(content, path)
    grown = len(new) - (old.end - old.start)
    result = bytearray(content[: old.start] + new + content[old.end :])
    for outer in walk(content):
        if outer.start < old.start and outer.end >= old.end:
            size = outer.end - outer.start + grown
            result[outer.start : outer.start + 4] = struct.pack(">I", size)
    return bytes(result)
