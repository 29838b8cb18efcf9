"""Files that end too early: at every box, element, chunk and member."""

from collections.abc import Iterator

from boxes import walk
from cases import Case
from sources import RATE, Sources

PARTS = 24


def cases(sources: Sources) -> Iterator[Case]:
    for name in ("mp4", "fast-mp4", "mov"):
        whole = sources.real[name]
        for end in _box_ends(whole):
            yield _cut(f"truncated-mp4/{name} at byte {end}", whole, end)
    for name in ("hevc-mkv", "vp9-webm", "av1-mkv"):
        whole = sources.real[name]
        for end in _even_ends(whole):
            yield _cut(f"truncated-matroska/{name} at byte {end}", whole, end)
    for name in ("mpeg4-avi", "mjpeg-avi"):
        whole = sources.real[name]
        for end in _even_ends(whole):
            yield _cut(f"truncated-avi/{name} at byte {end}", whole, end)
    yield Case("truncated/to nothing", lambda: b"")
    yield Case("truncated/to one byte", lambda: b"\0")
    yield Case("truncated/to the 406 bytes that crashed PyAV 18.0", lambda: sources.mp4[:406])


def archive_cases(archive: bytes) -> Iterator[Case]:
    for end in _even_ends(archive):
        yield _cut(f"truncated-zip/at byte {end}", archive, end, fps=RATE)


def _cut(name: str, whole: bytes, end: int, fps: float | None = None) -> Case:
    return Case(name, lambda: whole[:end], fps)


def _box_ends(whole: bytes) -> list[int]:
    """Before each box, in its header, after its header, in its middle, before its last byte."""
    ends = {
        end
        for box in walk(whole)
        for end in (box.start, box.start + 6, box.body, (box.body + box.end) // 2, box.end - 1)
    }
    return sorted(end for end in ends if 12 <= end < len(whole))


def _even_ends(whole: bytes) -> list[int]:
    early = (20, 40, 64, 128, 406)
    return sorted(
        {*early, *(len(whole) * part // PARTS for part in range(1, PARTS)), len(whole) - 1}
    )
