"""Headers that say what is not so."""

import struct
from collections.abc import Callable, Iterator

from boxes import box, field, find, patched, renamed, replaced
from cases import Case
from sources import Sources

_STBL = "moov.trak.mdia.minf.stbl"
_AVC1 = f"{_STBL}.stsd.avc1"
_AVCC = f"{_AVC1}.avcC"
_MOST = 0xFFFFFFFF


def cases(sources: Sources) -> Iterator[Case]:
    for what, lie in _MP4_LIES.items():
        yield _case(f"lying-mp4/{what}", sources, lie)
    yield Case(
        "lying-mp4/ten thousand edits",
        lambda: _edited(sources.mp4, 1, 1, 1 << 16, count=10_000), is_heavy=True,
    )  # fmt: skip
    yield Case("lying-mp4/sizes of 64 bits near the largest", lambda: _wide(sources.mp4))
    yield Case("lying-mp4/a thousand boxes in each other", lambda: _nested(sources.mp4, 1000))
    yield Case("lying-mp4/a hundred thousand boxes in each other", lambda: _nested(b"", 100_000))
    yield Case(
        "lying-mp4/a million empty boxes",
        lambda: sources.mp4 + box(b"free") * 1_000_000,
        is_heavy=True,
    )
    yield Case("lying-mp4/two indexes", lambda: _twice(sources.mp4))
    yield Case("lying-mp4/encrypted", lambda: renamed(sources.mp4, _AVC1, b"encv"))
    yield Case("lying-mp4/another codec", lambda: renamed(sources.mp4, _AVC1, b"hev1"))
    yield Case("lying-mp4/a codec nobody has", lambda: renamed(sources.mp4, _AVC1, b"zzzz"))
    yield from _avi(sources)
    yield from _matroska(sources)


def _case(name: str, sources: Sources, lie: Callable[[bytes], bytes]) -> Case:
    return Case(name, lambda: lie(sources.mp4))


_MP4_LIES: dict[str, Callable[[bytes], bytes]] = {
    "two to the 32 sample times": lambda c: field(c, f"{_STBL}.stts", 4, _MOST),
    "a run of two to the 32 samples": lambda c: field(c, f"{_STBL}.stts", 8, _MOST),
    "two to the 32 sample sizes": lambda c: field(c, f"{_STBL}.stsz", 8, _MOST),
    "two to the 31 sample sizes": lambda c: field(c, f"{_STBL}.stsz", 8, 1 << 31),
    "all samples of two to the 31 bytes": lambda c: field(c, f"{_STBL}.stsz", 4, (1 << 31) - 1),
    "a sample of two to the 31 bytes": lambda c: field(c, f"{_STBL}.stsz", 12, (1 << 31) - 1),
    "two to the 32 chunks": lambda c: field(c, f"{_STBL}.stco", 4, _MOST),
    "a chunk beyond the end": lambda c: field(c, f"{_STBL}.stco", 8, 0x7FFFFFFF),
    "a chunk at the first byte": lambda c: field(c, f"{_STBL}.stco", 8, 0),
    "chunks of two to the 32 samples": lambda c: field(c, f"{_STBL}.stsc", 12, _MOST),
    "chunks of no samples": lambda c: field(c, f"{_STBL}.stsc", 12, 0),
    "chunks that begin at none": lambda c: field(c, f"{_STBL}.stsc", 8, 0),
    "no sample descriptions": lambda c: field(c, f"{_STBL}.stsd", 4, 0),
    "two to the 32 sample descriptions": lambda c: field(c, f"{_STBL}.stsd", 4, _MOST),
    "a sample description of no bytes": lambda c: field(c, f"{_STBL}.stsd", 8, 0),
    "a width of 65535": lambda c: field(c, _AVC1, 24, 0xFFFF, 2),
    "a width of nought": lambda c: field(c, _AVC1, 24, 0, 2),
    "a size of 65535 by 65535": lambda c: field(c, _AVC1, 24, _MOST),
    "a clock of nought": lambda c: field(c, "moov.trak.mdia.mdhd", 12, 0),
    "a clock of two to the 32": lambda c: field(c, "moov.trak.mdia.mdhd", 12, _MOST),
    "a duration of two to the 32": lambda c: field(c, "moov.mvhd", 16, _MOST),
    "a film clock of nought": lambda c: field(c, "moov.mvhd", 12, 0),
    "a sound track": lambda c: patched(c, find(c, "moov.trak.mdia.hdlr").body + 8, b"soun"),
    "a text track": lambda c: patched(c, find(c, "moov.trak.mdia.hdlr").body + 8, b"text"),
    "no track": lambda c: renamed(c, "moov.trak", b"free"),
    "no samples": lambda c: renamed(c, "moov.trak.mdia.minf.stbl", b"free"),
    "an index of no size": lambda c: patched(c, find(c, "moov").start, bytes(4)),
    "an index of one byte": lambda c: patched(c, find(c, "moov").start, b"\0\0\0\1"),
    "an index of seven bytes": lambda c: patched(c, find(c, "moov").start, b"\0\0\0\7"),
    "a track larger than its film": lambda c: patched(c, find(c, "moov.trak").start, b"\x7f" * 4),
    "parameter sets of 65535 bytes": lambda c: patched(c, find(c, _AVCC).body + 6, b"\xff\xff"),
    "31 empty parameter sets": lambda c: patched(c, find(c, _AVCC).body + 5, b"\xff\0\0"),
    "an edit that begins before the film": lambda c: _edited(c, 1000, -1000, 1 << 16),
    "an edit of no length": lambda c: _edited(c, 0, 0, 1 << 16),
    "an edit at double speed": lambda c: _edited(c, 1000, 0, 2 << 16),
    "an edit that ends never": lambda c: _edited(c, 0x7FFFFFFF, 0x7FFFFFF0, 1 << 16),
}  # fmt: skip


def _edited(content: bytes, length: int, start: int, speed: int, count: int = 1) -> bytes:
    """With other edits; the clock of both is left as it is."""
    edit = struct.pack(">IiI", length, start, speed)
    edits = box(b"elst", struct.pack(">II", 0, count), edit * count)
    return replaced(content, "moov.trak.edts", box(b"edts", edits))


def _wide(content: bytes) -> bytes:
    return content + struct.pack(">I4sQ", 1, b"free", (1 << 63) - 1)


def _nested(content: bytes, depth: int) -> bytes:
    heads = (struct.pack(">I4s", 8 * (depth - level), b"moov") for level in range(depth))
    return (content or box(b"ftyp", b"isom\0\0\2\0")) + b"".join(heads)


def _twice(content: bytes) -> bytes:
    index = find(content, "moov")
    return content + content[index.start : index.end]


def _avi(sources: Sources) -> Iterator[Case]:
    def at(mark: bytes, offset: int, value: int) -> Callable[[], bytes]:
        def make() -> bytes:
            content = sources.mpeg4_avi
            return patched(content, content.index(mark) + offset, struct.pack("<I", value))

        return make

    yield Case("lying-avi/two to the 32 frames", at(b"avih", 8 + 16, _MOST))
    yield Case("lying-avi/two to the 32 streams", at(b"avih", 8 + 24, _MOST))
    yield Case("lying-avi/no time between frames", at(b"avih", 8, 0))
    yield Case("lying-avi/a rate of nought", at(b"strh", 8 + 24, 0))
    yield Case("lying-avi/a scale of nought", at(b"strh", 8 + 20, 0))
    yield Case("lying-avi/a rate of two to the 32", at(b"strh", 8 + 24, _MOST))
    yield Case("lying-avi/a width of two to the 31", at(b"strf", 8 + 4, 0x7FFFFFFF))
    yield Case("lying-avi/a negative height", at(b"strf", 8 + 8, _MOST - 255))
    yield Case("lying-avi/no size", at(b"strf", 8 + 4, 0))
    yield Case("lying-avi/a format of two to the 32 bytes", at(b"strf", 4, _MOST))
    yield Case("lying-avi/a list of two to the 32 bytes", at(b"movi", -4, _MOST))
    yield Case("lying-avi/an index of two to the 32 bytes", at(b"idx1", 4, _MOST))


def _matroska(sources: Sources) -> Iterator[Case]:
    def at(mark: bytes, offset: int, new: bytes) -> Callable[[], bytes]:
        def make() -> bytes:
            content = sources.hevc_mkv
            return patched(content, content.index(mark) + offset, new)

        return make

    yield Case("lying-matroska/a kind nobody knows", at(b"matroska", 0, b"nonsense"))
    yield Case("lying-matroska/a clock of nought", at(b"\x2a\xd7\xb1\x83", 4, b"\0\0\0"))
    yield Case("lying-matroska/a clock of years", at(b"\x2a\xd7\xb1\x83", 4, b"\xff\xff\xff"))
    yield Case("lying-matroska/a width of nought", at(b"\xb0\x82", 2, b"\0\0"))
    yield Case("lying-matroska/a width of 65535", at(b"\xb0\x82", 2, b"\xff\xff"))
    yield Case("lying-matroska/a codec nobody has", at(b"V_MPEGH", 0, b"V_NOBODY"[:7]))
    yield Case(
        "lying-matroska/a duration that is no number",
        at(b"\x44\x89\x88", 3, b"\x7f\xf8" + bytes(6)),
    )
    yield Case("lying-matroska/a duration for ever", at(b"\x44\x89\x88", 3, b"\x7f\xf0" + bytes(6)))
    yield Case("lying-matroska/a negative duration", at(b"\x44\x89\x88", 3, b"\xc0\xf0" + bytes(6)))
