"""Archives that lie, lead out of themselves, or unpack to more than anybody can hold."""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from cases import Case
from sources import RATE, Sources, picture
from truncated import archive_cases

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LINK = 0o120777 << 16
_BOMB_BYTES = 400 * 1024 * 1024


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    name: str
    content: bytes
    attributes: int = 0


def cases(sources: Sources) -> Iterator[Case]:
    face = sources.pngs[0]
    for path in _PATHS:
        yield _zip(f"traversal/{path.encode('unicode_escape').decode()}", [Member(path, face)])
    yield _zip("traversal/a link to /etc/passwd", [Member("1.png", b"/etc/passwd", _LINK)])
    yield _zip(
        "traversal/a link behind a sound frame",
        [Member("1.png", face), Member("2.png", b"/etc/shadow", _LINK)],
    )
    yield from _bombs(sources)
    yield from _lies(sources)
    yield from archive_cases(packed(_numbered(sources)))


_PATHS = (
    "../1.png",
    "../../../../etc/passwd/1.png",
    "/etc/1.png",
    "C:\\windows\\1.png",
    "..\\1.png",
    "a/../../1.png",
    "\\\\server\\share\\1.png",
)


def packed(members: Sequence[Member], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of them."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name)
            info.filename = member.name  # as it is, where ZipInfo would tidy it up
            info.external_attr = member.attributes
            info.compress_type = compression
            archive.writestr(info, member.content)
    return buffer.getvalue()


def _zip(name: str, members: Sequence[Member], compression: int = zipfile.ZIP_STORED) -> Case:
    return Case(name, lambda: packed(members, compression), fps=RATE, filename="frames.zip")


def _numbered(sources: Sources) -> list[Member]:
    return [Member(f"{number}.png", content) for number, content in enumerate(sources.pngs, 1)]


def _bombs(sources: Sources) -> Iterator[Case]:
    deflated = zipfile.ZIP_DEFLATED
    yield Case(
        "bomb/a frame of 400 MB of nothing",
        lambda: packed([Member("1.png", bytes(_BOMB_BYTES))], deflated), fps=RATE, is_heavy=True,
    )  # fmt: skip
    yield Case(
        "bomb/a picture that unpacks to 400 MB",
        lambda: _zip_of(_inflating()),
        fps=RATE,
        is_heavy=True,
    )
    yield Case("bomb/archives in archives", lambda: _nested(8), fps=RATE)
    yield Case(
        "bomb/one frame under 3001 names", lambda: _overlapping(sources.pngs[0], 3001), fps=RATE
    )
    yield Case(
        "bomb/one frame under a million names",
        lambda: _overlapping(sources.pngs[0], 1_000_000), fps=RATE, is_heavy=True,
    )  # fmt: skip
    large = picture(np.zeros((2100, 3800, 3), np.uint8), ".png")
    black = [Member(f"{number}.png", large) for number in range(30)]
    yield Case("bomb/black frames of 24 MB each", lambda: packed(black), fps=RATE, is_heavy=True)


def _lies(sources: Sources) -> Iterator[Case]:
    members = _numbered(sources)
    face = sources.pngs[0]

    def lie(mark: bytes, offset: int, new: bytes) -> bytes:
        content = bytearray(packed(members))
        start = content.index(mark) + offset
        content[start : start + len(new)] = new
        return bytes(content)

    most = b"\xff" * 4
    yield Case("lying-zip/a size of two to the 32", lambda: lie(_CENTRAL, 24, most), fps=RATE)
    yield Case(
        "lying-zip/a packed size of two to the 32", lambda: lie(_CENTRAL, 20, most), fps=RATE
    )
    yield Case("lying-zip/a size of nought", lambda: lie(_CENTRAL, 20, bytes(8)), fps=RATE)
    yield Case("lying-zip/another checksum", lambda: lie(_CENTRAL, 16, b"liar"), fps=RATE)
    yield Case(
        "lying-zip/a frame beyond the end", lambda: lie(_CENTRAL, 42, most[:3] + b"\x7f"), fps=RATE
    )
    yield Case("lying-zip/more frames than there are", lambda: lie(_END, 8, most), fps=RATE)
    yield Case("lying-zip/a directory beyond the end", lambda: lie(_END, 16, most), fps=RATE)
    yield Case("lying-zip/encrypted", lambda: lie(_CENTRAL, 8, b"\1\0"), fps=RATE)
    yield Case(
        "lying-zip/compressed in an unknown way", lambda: lie(_CENTRAL, 10, b"\x63\0"), fps=RATE
    )
    yield _zip("lying-zip/lzma", members, zipfile.ZIP_LZMA)
    yield _zip(
        "lying-zip/something else among the frames", [*members, Member("run.sh", b"#!/bin/sh")]
    )
    yield _zip("lying-zip/a text called a picture", [Member("1.png", b"no picture")])
    yield _zip(
        "lying-zip/a playlist called a picture", [Member("1.png", b"#EXTM3U\nfile:///etc/passwd\n")]
    )
    yield _zip("lying-zip/a film called a picture", [Member("1.png", sources.mp4)])
    yield _zip("lying-zip/no frames", [])
    yield Case("lying-zip/a frame without a name", lambda: by_hand(face, [b""]), fps=RATE)
    yield _zip("lying-zip/frames without numbers", [Member("face.png", face)])
    yield _zip("lying-zip/numbers of a hundred digits", [Member("9" * 100 + ".png", face)])
    yield _zip("lying-zip/a gap of years", [Member("1.png", face), Member("99999999.png", face)])
    yield _zip("lying-zip/one number twice", [Member("1.png", face), Member("01.png", face)])
    yield Case("lying-zip/no rate", lambda: packed(members))
    yield Case("lying-zip/a rate for a video", lambda: sources.mp4, fps=RATE)
    yield Case("unharmed/an archive of frames", lambda: packed(members), fps=RATE)


def _zip_of(content: bytes) -> bytes:
    return packed([Member("1.png", content)])


def _inflating() -> bytes:
    """A picture of 64 x 64 whose rows go on for 400 MB."""
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(_BOMB_BYTES))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _nested(depth: int) -> bytes:
    content = bytes(1 << 20)
    for _ in range(depth):
        content = packed([Member(f"{n}.zip", content) for n in range(4)], zipfile.ZIP_DEFLATED)
    return content


def _overlapping(content: bytes, count: int) -> bytes:
    return by_hand(content, [b"%07d.png" % number for number in range(count)])


def by_hand(content: bytes, names: Sequence[bytes]) -> bytes:
    """An archive of names that all lead to the same bytes."""
    checksum, size = zlib.crc32(content), len(content)

    def shared(name: bytes) -> bytes:
        fields = (20, 0, 0, 0, 0, checksum, size, size, len(name), 0)
        return struct.pack("<HHHHHIIIHH", *fields)

    local = _LOCAL + shared(names[0]) + names[0] + content
    rest = struct.pack("<HHHII", 0, 0, 0, 0, 0)
    directory = b"".join(
        _CENTRAL + struct.pack("<H", 20) + shared(name) + rest + name for name in names
    )
    many = min(len(names), 0xFFFF)
    # From 65,535 members on an archive says so in a second ending.
    wide = b"PK\x06\x06" + struct.pack(
        "<QHHIIQQQQ", 44, 45, 45, 0, 0, len(names), len(names), len(directory), len(local)
    )
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(local) + len(directory), 1)
    end = _END + struct.pack("<HHHHIIH", 0, 0, many, many, len(directory), len(local), 0)
    return local + directory + (wide + locator) * (len(names) > many) + end
