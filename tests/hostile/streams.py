"""Files whose streams are others than expected: sound, covers, foreign codecs, far too many."""

import struct
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from archives import Member, packed
from av.stream import Disposition
from boxes import find
from cases import Case
from sources import FPS, RATE, Sources, flat, picture

from worker.video.encode import Encoding

_FOREIGN = {
    "ffv1.mkv": Encoding("ffv1"),
    "magicyuv.avi": Encoding("magicyuv", "yuv444p"),
    "huffyuv.avi": Encoding("huffyuv", "yuv422p"),
    "prores.mov": Encoding("prores_ks", "yuv422p10le"),
    "animation.mov": Encoding("qtrle", "rgb24"),
    "cinepak.avi": Encoding("cinepak", "rgb24"),
    "raw.avi": Encoding("rawvideo", "yuv420p"),
    "wmv2.avi": Encoding("wmv2"),
    "flv1.avi": Encoding("flv"),
    "png.mov": Encoding("png", "rgb24"),
    "tiff.mov": Encoding("tiff", "rgb24"),
    "jpeg2000.mov": Encoding("jpeg2000", "rgb24"),
}
_SOUND_RATE = 16_000
_ORIENTATION = 0x0112


def cases(sources: Sources) -> Iterator[Case]:
    for name, encoding in _FOREIGN.items():
        yield Case(f"foreign-codec/{name}", lambda n=name, e=encoding: _foreign(sources, n, e))
    for suffix in ("mp4", "mkv", "avi", "mov"):
        yield Case(
            f"no-video/sound alone in {suffix}", lambda s=suffix: _sound(sources, s, cover=False)
        )
    yield Case("no-video/sound and its cover", lambda: _sound(sources, "mp4", cover=True))
    yield Case("no-video/a hundred sound tracks", lambda: _tracks(sources, 100))
    yield Case(
        "unharmed/video after three sound tracks", lambda: _tracks(sources, 3, with_video=True)
    )
    yield from _exif(sources)
    yield from _misnamed(sources)


def _foreign(sources: Sources, name: str, encoding: Encoding) -> bytes:
    return sources.written(name, flat(64, 64), encoding)


def _sound(sources: Sources, suffix: str, *, cover: bool) -> bytes:
    path = sources.path(f"sound-{cover}.{suffix}")
    with av.open(str(path), "w") as container:
        stream = _sound_stream(container, suffix)
        if cover:
            _add_cover(container)
        container.mux([*stream.encode(_silence(stream)), *stream.encode(None)])
    return path.read_bytes()


def _sound_stream(container: av.container.OutputContainer, suffix: str) -> av.AudioStream:
    codec = "pcm_s16le" if suffix == "avi" else "aac"
    return container.add_stream(codec, rate=_SOUND_RATE, layout="mono")


def _silence(stream: av.AudioStream) -> av.AudioFrame:
    kind, sample = ("s16", np.int16) if stream.name == "pcm_s16le" else ("fltp", np.float32)
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), sample), format=kind, layout="mono")
    frame.rate, frame.pts, frame.time_base = _SOUND_RATE, 0, Fraction(1, _SOUND_RATE)
    return frame


def _add_cover(container: av.container.OutputContainer) -> None:
    cover = container.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
    cover.disposition = Disposition.attached_pic
    frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
    frame.pts = 0
    container.mux([*cover.encode(frame), *cover.encode(None)])


def _tracks(sources: Sources, count: int, *, with_video: bool = False) -> bytes:
    path = sources.path(f"tracks-{count}.mkv")
    with av.open(str(path), "w") as container:
        streams = [_sound_stream(container, "mkv") for _ in range(count)]
        video = container.add_stream("mjpeg", rate=FPS) if with_video else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 256, 256, "yuvj420p"
        for stream in streams:
            container.mux([*stream.encode(_silence(stream)), *stream.encode(None)])
        if video is not None:
            for index, image in enumerate(sources.faces):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = index, 1 / FPS
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
    return path.read_bytes()


def _exif(sources: Sources) -> Iterator[Case]:
    whole = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", _ORIENTATION, 3, 1, 6, 0) + bytes(4)
    circle = b"MM\0*\0\0\0\x08\0\0\0\0\0\x08"
    many = b"MM\0*\0\0\0\x08\xff\xff" + bytes(64)
    beyond = b"II*\0\xff\xff\xff\x7f"
    for what, content in (
        ("that turns by a quarter", whole),
        ("whose directory leads to itself", circle),
        ("with 65535 entries", many),
        ("that begins beyond its end", beyond),
        ("of no bytes", b""),
    ):
        yield Case(f"exif/{what}", lambda c=content: _marked(sources, c), fps=RATE)


def _marked(sources: Sources, exif: bytes) -> bytes:
    content = b"Exif\0\0" + exif
    mark = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    faces = [picture(image, ".jpg") for image in sources.faces]
    return packed([Member(f"{n}.jpg", face[:2] + mark + face[2:]) for n, face in enumerate(faces)])


def _misnamed(sources: Sources) -> Iterator[Case]:
    yield Case("misnamed/mp4 as txt", lambda: sources.mp4, filename="notes.txt")
    yield Case("misnamed/mkv as mp4", lambda: sources.hevc_mkv, filename="clip.mp4")
    yield Case("misnamed/avi as webm", lambda: sources.mpeg4_avi, filename="clip.webm")
    yield Case("misnamed/mp4 as ../../etc/passwd", lambda: sources.mp4, filename="../../etc/passwd")
    yield Case(
        "misnamed/mp4 as a very long name", lambda: sources.mp4, filename="a" * 5000 + ".mp4"
    )
    yield Case("misnamed/mp4 as a command", lambda: sources.mp4, filename="$(reboot);`reboot`.mp4")
    yield Case("misnamed/picture as mp4", lambda: sources.pngs[0])
    yield Case(
        "misnamed/text as mp4", lambda: b"this is not a video, whatever its name says\n" * 40
    )
    yield Case("misnamed/an index alone", lambda: _index_alone(sources))


def _index_alone(sources: Sources) -> bytes:
    index = find(sources.mp4, "moov")
    return sources.mp4[: find(sources.mp4, "ftyp").end] + sources.mp4[index.start : index.end]
