"""Clocks that stand still, run backwards or jump; frames that turn or change their size."""

import struct
from collections.abc import Callable, Iterator, Sequence

import av
import numpy as np
from boxes import field, find, patched
from cases import Case
from oversized import spliced
from sources import FPS, Sources

from worker.video.encode import Encoding

_STTS = "moov.trak.mdia.minf.stbl.stts"
_AGES = 1 << 40


def cases(sources: Sources) -> Iterator[Case]:
    for what, times in _TIMES.items():
        yield Case(f"times/{what}", lambda times=times: retimed(sources, times))
    yield Case("times/no time at all between frames", lambda: field(sources.mp4, _STTS, 12, 0))
    yield Case(
        "times/two to the 32 between frames", lambda: field(sources.mp4, _STTS, 12, 0xFFFFFFFF)
    )
    yield Case("times/a variable rate", lambda: _variable(sources))
    for what, matrix in _MATRICES.items():
        yield Case(f"turned/{what}", lambda matrix=matrix: _turned(sources, matrix))
    for degrees in (90, 180, 270):
        yield Case(f"turned/by {degrees} degrees", lambda d=degrees: _rotated(sources, d))
    yield Case(
        "resized/h264 that shrinks", lambda: spliced(sources, [(256, 256, 6), (128, 128, 6)])
    )
    yield Case(
        "resized/every frame", lambda: spliced(sources, [(64 + 16 * n, 64, 1) for n in range(12)])
    )


_TIMES: dict[str, Callable[[int], int | None]] = {
    "all of them nought": lambda _: 0,
    "all of them the same": lambda _: 77,
    "before the beginning": lambda index: index - 1000,
    "backwards": lambda index: 1000 - index,
    "none": lambda _: None,
    "none but the first": lambda index: 0 if index == 0 else None,
    "one far in the future": lambda index: index + (_AGES if index == 9 else 0),
    "one far in the past": lambda index: index - (_AGES if index == 9 else 0),
    "every second one twice": lambda index: index // 2,
}

_UNIT = 1 << 16
_MATRICES: dict[str, Sequence[int]] = {
    "by a matrix of noughts": [0] * 9,
    "by a matrix of the largest numbers": [0x7FFFFFFF] * 9,
    "by a matrix of the smallest numbers": [-0x80000000] * 9,
    "by seven degrees": [65048, 7987, 0, -7987, 65048, 0, 0, 0, 1 << 30],
    "into a mirror": [-_UNIT, 0, 0, 0, _UNIT, 0, 0, 0, 1 << 30],
}


def retimed(sources: Sources, times: Callable[[int], int | None]) -> bytes:
    """JPEG frames in AVI, or where AVI has no such times in Matroska's raw blocks."""
    return _matroska(
        [
            (times(index), bytes(packet))
            for index, packet in enumerate(_packets(sources.mjpeg_avi, sources))
        ]
    )


def _packets(content: bytes, sources: Sources) -> Iterator[av.Packet]:
    path = sources.path("packets.avi")
    path.write_bytes(content)
    with av.open(str(path)) as container:
        yield from (packet for packet in container.demux(video=0) if packet.size)


def _matroska(frames: Sequence[tuple[int | None, bytes]]) -> bytes:
    """By hand: every frame in a cluster of its own, with whatever time."""
    track = b"".join(
        (
            _element("d7", b"\1"),
            _element("73c5", b"\1"),
            _element("83", b"\1"),
            _element("86", b"V_MJPEG"),
            _element("e0", _element("b0", b"\1\0") + _element("ba", b"\1\0")),
        )
    )
    clusters = b"".join(
        _element("1f43b675", _clock(time) + _element("a3", b"\x81\0\0\x80" + frame))
        for time, frame in frames
    )
    info = _element("2ad7b1", (1_000_000_000 // int(FPS)).to_bytes(4, "big"))
    head = _element("4282", b"matroska")
    body = _element("1549a966", info) + _element("1654ae6b", _element("ae", track)) + clusters
    return _element("1a45dfa3", head) + _element("18538067", body)


def _clock(time: int | None) -> bytes:
    return b"" if time is None else _element("e7", (time % (1 << 64)).to_bytes(8, "big"))


def _element(kind: str, content: bytes) -> bytes:
    return bytes.fromhex(kind) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _variable(sources: Sources) -> bytes:
    gaps = np.random.default_rng(3).uniform(0.02, 0.2, len(sources.faces))
    return sources.written("variable.mp4", sources.faces, pts_s=list(np.cumsum(gaps)))


def _turned(sources: Sources, matrix: Sequence[int]) -> bytes:
    content = sources.mp4
    start = find(content, "moov.trak.tkhd").end - 44
    return patched(content, start, struct.pack(">9i", *matrix))


def _rotated(sources: Sources, degrees: int) -> bytes:
    upright = Encoding(rotation=degrees)
    images = [np.ascontiguousarray(np.rot90(image, degrees // 90)) for image in sources.faces]
    return sources.written(f"turned-{degrees}.mp4", images, upright)
