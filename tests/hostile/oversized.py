"""Frames and clips that are too large, too small, or too many."""

import struct
import zlib
from collections.abc import Iterator

import av
import numpy as np
from archives import Member, packed
from boxes import box
from cases import Case
from sources import FPS, RATE, Sources, flat, picture

from worker.video.encode import Encoding

MILLION = 1_000_000
_JPEG = Encoding("mjpeg", "yuvj444p")


def cases(sources: Sources) -> Iterator[Case]:
    yield from _large(sources)
    yield from _small(sources)
    yield from _many(sources)


def _large(sources: Sources) -> Iterator[Case]:
    def video(name: str, width: int, height: int, encoding: Encoding) -> bytes:
        return sources.written(name, flat(width, height, 2), encoding)

    yield Case("oversized/h264 of 4096 x 4096", lambda: video("large.mp4", 4096, 4096, Encoding()))
    yield Case(
        "oversized/mpeg4 of 8000 x 2000",
        lambda: video("large.avi", 8000, 2000, Encoding("mpeg4")),
    )
    yield Case(
        "oversized/vp9 of 16000 x 1000",
        lambda: video("large.webm", 16000, 1000, Encoding("libvpx-vp9")),
    )
    yield Case(
        "oversized/jpeg of 65000 x 200 frames",
        lambda: video("wide.avi", 65000, 200, _JPEG),
    )
    for suffix, content in (("png", _png(60_000, 60_000)), ("bmp", _bmp(60_000, 60_000))):
        yield _frames(f"oversized/{suffix} of 60000 x 60000", f"1.{suffix}", content)
    yield _frames(
        "oversized/png of two to the 31 a side", "1.png", _png((1 << 31) - 1, (1 << 31) - 1)
    )
    yield _frames(
        "oversized/jpeg that says 65535 x 65535", "1.jpg", _jpeg_that_says(0xFFFF, 0xFFFF)
    )
    yield Case(
        "oversized/h264 that grows in the middle",
        lambda: spliced(sources, [(256, 256, 6), (4096, 4096, 2)]),
    )


def _small(sources: Sources) -> Iterator[Case]:
    def video(name: str, width: int, height: int) -> bytes:
        encoding = Encoding() if name.endswith("mp4") else _JPEG
        return sources.written(name, flat(width, height, 6), encoding)

    yield Case("undersized/jpeg frames of 1 x 1", lambda: video("1x1.avi", 1, 1))
    yield Case("undersized/h264 of 2 x 2", lambda: video("2x2.mp4", 2, 2))
    yield Case("undersized/h264 of 16 x 16", lambda: video("16x16.mp4", 16, 16))
    yield Case("undersized/jpeg frames of 4096 x 1", lambda: video("row.avi", 4096, 1))
    yield Case("undersized/jpeg frames of 1 x 4096", lambda: video("column.avi", 1, 4096))
    for width, height in ((1, 1), (1, 60_000), (60_000, 1)):
        pixel = picture(np.zeros((height, width, 3), np.uint8), ".png")
        members = [Member(f"{number}.png", pixel) for number in range(4)]
        yield Case(
            f"undersized/pictures of {width} x {height}", lambda m=members: packed(m), fps=RATE
        )
    yield Case("undersized/one frame", lambda: sources.written("one.mp4", sources.faces[:1]))
    yield Case("undersized/two frames", lambda: sources.written("two.mp4", sources.faces[:2]))


def _many(sources: Sources) -> Iterator[Case]:
    yield Case("million/empty samples in an mp4", lambda: _million_samples(0), is_heavy=True)
    yield Case("million/samples of one byte in an mp4", lambda: _million_samples(1), is_heavy=True)
    yield Case("million/empty chunks in an avi", lambda: _million_chunks(MILLION), is_heavy=True)
    yield Case("million/a tenth of them", lambda: _million_chunks(MILLION // 10))
    yield Case("million/3001 frames", lambda: _tiny_frames(sources, 3001))
    yield Case("million/62 seconds", lambda: _slow(sources))


def _frames(name: str, member: str, content: bytes) -> Case:
    return Case(name, lambda: packed([Member(member, content)]), fps=RATE)


def spliced(sources: Sources, parts: list[tuple[int, int, int]]) -> bytes:
    """H.264 in Matroska whose size changes; each part brings its own parameter sets."""
    path = sources.path("spliced.mkv")
    with av.open(str(path), "w") as container:
        stream = None
        count = 0
        for width, height, length in parts:
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.framerate = 1 / FPS, FPS
            encoder.options = {"bf": "0", "x264-params": "repeat-headers=1:annexb=1"}
            encoder.thread_count = 1
            if stream is None:
                stream = container.add_stream("libx264", rate=FPS)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for image in flat(width, height, length):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = None
                for packet in encoder.encode(frame):
                    count = _mux(container, stream, packet, count)
            for packet in encoder.encode(None):
                count = _mux(container, stream, packet, count)
    return path.read_bytes()


def _mux(
    container: av.container.OutputContainer, stream: av.VideoStream, packet: av.Packet, count: int
) -> int:
    packet.pts = packet.dts = count
    packet.time_base = 1 / FPS
    packet.stream = stream
    container.mux(packet)
    return count + 1


def _tiny_frames(sources: Sources, count: int) -> bytes:
    frames = [np.zeros((16, 16, 3), np.uint8)] * count
    times = [index / 100 for index in range(count)]
    return sources.written(f"{count}.mkv", frames, Encoding("mpeg4"), pts_s=times)


def _slow(sources: Sources) -> bytes:
    times = [31.0 * index for index in range(3)]
    return sources.written("slow.mp4", flat(64, 64, 3), pts_s=times)


def _million_samples(size: int) -> bytes:
    """An index of a million frames over next to nothing."""
    count = MILLION
    entry = struct.pack(">6xH16xHHII4xH32sHh", 1, 64, 64, 72 << 16, 72 << 16, 1, b"\0" * 32, 24, -1)
    mpeg4 = box(b"esds", bytes.fromhex("00000000030f0000000407201100000000000000000000060102"))
    table = (
        box(b"stsd", struct.pack(">II", 0, 1), box(b"mp4v", entry, mpeg4)),
        box(b"stts", struct.pack(">IIII", 0, 1, count, 1)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        box(b"stsz", struct.pack(">III", 0, size, count))
        if size
        else box(b"stsz", struct.pack(">III", 0, 0, count), bytes(4 * count)),
        box(b"stco", struct.pack(">III", 0, 1, 24)),
    )
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1_000_000, count, 0, 0)),
        box(b"hdlr", struct.pack(">II4s12x", 0, 0, b"vide"), b"\0"),
        box(b"minf", box(b"vmhd", bytes(12)), box(b"stbl", *table)),
    )
    track = box(
        b"tkhd", struct.pack(">IIIII60x", 3, 0, 0, 1, 0) + struct.pack(">II", 64 << 16, 64 << 16)
    )
    film = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 1000), bytes(80))
    frames = box(b"mdat", bytes(count * size))
    return box(b"ftyp", b"isom\0\0\2\0") + frames + box(b"moov", film, box(b"trak", track, media))


def _million_chunks(count: int) -> bytes:
    """Frames that repeat the one before, as AVI says it: chunks without content."""
    head = struct.pack("<IIIIIIIIII16x", 1, 0, 0, 0, count, 0, 1, 0, 64, 64)
    stream = struct.pack(
        "<4s4sIHHIIIIIIII8x", b"vids", b"FMP4", 0, 0, 0, 0, 1, 1_000_000, 0, count, 0, 0, 0
    )
    form = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 24, 0x34504D46, 64 * 64 * 3, 0, 0, 0, 0)
    header = _list(
        b"hdrl",
        _chunk(b"avih", head),
        _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", form)),
    )
    movie = _list(b"movi", _chunk(b"00dc", b"") * count)
    body = b"AVI " + header + movie
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content


def _list(kind: bytes, *content: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(content))


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(4096))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + 4096, 0, 0, 54) + info + bytes(4096)


def _jpeg_that_says(width: int, height: int) -> bytes:
    content = bytearray(picture(np.zeros((64, 64, 3), np.uint8), ".jpg"))
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(content)
