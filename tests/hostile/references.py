"""Files that ask to open something else, here or on the network, and files that are two things."""

from collections.abc import Iterator

from archives import Member, packed
from boxes import box, find, replaced
from cases import Case
from sources import RATE, Sources

CANARY_PORT = 47_111
"""Where the files below lead; nobody may ever call there."""
_HOST = f"127.0.0.1:{CANARY_PORT}"
URLS = (f"http://{_HOST}/a.mp4", "file:///etc/passwd", f"rtsp://{_HOST}/a", "/etc/passwd")
_MINF = "moov.trak.mdia.minf"

PLAYLISTS = {
    "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{_HOST}/a.ts\n#EXT-X-ENDLIST\n",
    "hls of a file": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls with a key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://{_HOST}/k"\n#EXTINF:1,\na.ts\n',
    "concat": f"ffconcat version 1.0\nfile 'http://{_HOST}/a.mp4'\n",
    "concat of a file": "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash": f'<?xml version="1.0"?><MPD><Period><BaseURL>http://{_HOST}/</BaseURL></Period></MPD>',
    "sdp": f"v=0\ns=x\nc=IN IP4 127.0.0.1\nm=video {CANARY_PORT} RTP/AVP 96\n",
    "asx": f'<asx version="3.0"><entry><ref href="rtsp://{_HOST}/a"/></entry></asx>',
    "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://{_HOST}/"/></svg>',
    "a url": f"http://{_HOST}/clip.mp4",
}


def cases(sources: Sources) -> Iterator[Case]:
    for name, text in PLAYLISTS.items():
        yield Case(f"playlist/{name}", lambda t=text: t.encode())
        yield Case(f"disguised-playlist/{name} behind an mp4 head", lambda t=text: _mp4_headed(t))
        yield Case(
            f"disguised-playlist/{name} behind a matroska head",
            lambda t=text: b"\x1aE\xdf\xa3" + t.encode(),
        )
        yield Case(
            f"disguised-playlist/{name} behind an avi head",
            lambda t=text: b"RIFF\x10\0\0\0AVI " + t.encode(),
        )
        yield Case(
            f"playlist/{name} as a frame",
            lambda t=text: packed([Member("1.png", t.encode())]), fps=RATE,
        )  # fmt: skip
    yield from _elsewhere(sources)
    yield from _two_things(sources)


def _mp4_headed(text: str) -> bytes:
    return b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + text.encode()


def _elsewhere(sources: Sources) -> Iterator[Case]:
    for url in URLS:
        yield Case(f"reference/frames that lie at {url}", lambda u=url: _frames_at(sources.mp4, u))
        yield Case(f"reference/a film that lies at {url}", lambda u=url: _film_at(u))
    yield Case("reference/an alias of a file", lambda: _alias(sources.mov))
    yield Case("reference/a matroska that goes on elsewhere", lambda: _linked(sources.hevc_mkv))


def _frames_at(content: bytes, url: str) -> bytes:
    """Frames in another file, as MP4 allows."""
    entry = box(b"url ", bytes(4), url.encode() + b"\0")
    return replaced(
        content, f"{_MINF}.dinf", box(b"dinf", box(b"dref", b"\0\0\0\0\0\0\0\1", entry))
    )


def _alias(content: bytes) -> bytes:
    """The same as QuickTime did it: an alias record with a path."""
    path = b"/etc/passwd"
    record = bytes(150) + b"\0\x12" + len(path).to_bytes(2, "big") + path + b"\0\xff\xff\0\0"
    entry = box(b"alis", bytes(4), record)
    return replaced(
        content, f"{_MINF}.dinf", box(b"dinf", box(b"dref", b"\0\0\0\0\0\0\0\1", entry))
    )


def _film_at(url: str) -> bytes:
    """A reference film: nothing but where to go."""
    where = box(b"rdrf", bytes(4), b"url ", len(url).to_bytes(4, "big"), url.encode())
    return box(b"ftyp", b"qt  \0\0\2\0") + box(b"moov", box(b"rmra", box(b"rmda", where)))


def _linked(content: bytes) -> bytes:
    """With the identity of a next part in its head (in place of what pads it)."""
    name = (
        b"\x3e\x83\xbb"
        + (0x4000 | 30).to_bytes(2, "big")
        + f"http://{_HOST}/b.mkv".encode().ljust(30)
    )
    start = content.index(b"\x15\x49\xa9\x66")
    return content[:start] + content[start : start + 12] + name + content[start + 12 + len(name) :]


def _two_things(sources: Sources) -> Iterator[Case]:
    zipped = packed([Member("1.png", sources.pngs[0])])
    page = b"<html><script>alert(1)</script></html>"
    yield Case("polyglot/mp4 and zip", lambda: sources.mp4 + zipped)
    yield Case("polyglot/zip and mp4", lambda: zipped + sources.mp4, fps=RATE)
    yield Case("polyglot/mp4 and page", lambda: sources.mp4 + box(b"free", page))
    yield Case("polyglot/mp4 and program", lambda: sources.mp4 + b"\x7fELF" + bytes(64))
    yield Case("polyglot/mp4 in a junk box of avi", lambda: _mp4_in_avi(sources))
    yield Case("polyglot/picture and zip", lambda: sources.pngs[0] + zipped, fps=RATE)
    yield Case("polyglot/gif and mp4", lambda: b"GIF89a" + sources.mp4)
    yield Case("polyglot/mp4 twice", lambda: sources.mp4 + sources.mp4)
    yield Case("polyglot/matroska in mp4", lambda: _matroska_in_mp4(sources))


def _mp4_in_avi(sources: Sources) -> bytes:
    body = b"AVI JUNK" + len(sources.mp4).to_bytes(4, "little") + sources.mp4
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _matroska_in_mp4(sources: Sources) -> bytes:
    end = find(sources.mp4, "ftyp").end
    return sources.mp4[:end] + box(b"mdat", sources.hevc_mkv)
