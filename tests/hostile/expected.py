"""What every hostile case must come to: the one table. Exact names go before families."""

from typing import Final

from references import PLAYLISTS, URLS

SUCCEEDED: Final = "succeeded"
DAMAGED: Final = "damaged-video"
CODEC: Final = "unsupported-codec"
NO_STREAM: Final = "no-video-stream"
PIXELS: Final = "too-many-pixels"
FRAMES: Final = "too-many-frames"
LONG: Final = "too-long"
SHORT: Final = "too-short"
ARCHIVE: Final = "bad-archive"
EMPTY: Final = "no-frames"
NO_FACE: Final = "no-face"
NOT_VIDEO: Final = "not-a-video"
REQUEST: Final = "invalid-request"
SLOW: Final = "deadline-exceeded"

ANY: Final = frozenset(
    {
        SUCCEEDED, DAMAGED, CODEC, NO_STREAM, PIXELS, FRAMES, LONG, SHORT, ARCHIVE, EMPTY, NO_FACE,
        NOT_VIDEO, SLOW,
    }
)  # fmt: skip
"""Every code that blames the clip: what random bytes come to is nobody's to foresee."""

FAMILIES: Final[dict[str, str | frozenset[str]]] = {
    "truncated-mp4": DAMAGED,
    "truncated-matroska": DAMAGED,
    "truncated-avi": DAMAGED,
    "truncated-zip": DAMAGED,
    "traversal": ARCHIVE,
    "oversized": PIXELS,
    "undersized": NO_FACE,
    "million": FRAMES,
    "bomb": ARCHIVE,
    "turned": SUCCEEDED,
    "resized": SUCCEEDED,
    "foreign-codec": CODEC,
    "no-video": NO_STREAM,
    "exif": SUCCEEDED,
    "misnamed": SUCCEEDED,
    "unharmed": SUCCEEDED,
    "playlist": NOT_VIDEO,
    "disguised-playlist": DAMAGED,
    "reference": SUCCEEDED,
    "polyglot": SUCCEEDED,
    "times": SUCCEEDED,
    "lying-mp4": SUCCEEDED,
    "lying-avi": SUCCEEDED,
    "lying-matroska": SUCCEEDED,
    "lying-zip": ARCHIVE,
    "fuzzed": ANY,
}
CASES: Final[dict[str, str]] = {
    "truncated/to nothing": "empty-file",
    "truncated/to one byte": NOT_VIDEO,
    "truncated/to the 406 bytes that crashed PyAV 18.0": DAMAGED,
    **dict.fromkeys(
        (f"playlist/{name} as a frame" for name in PLAYLISTS),
        DAMAGED,  # an archive, whose only frame is none
    ),
    **dict.fromkeys(
        (f"disguised-playlist/{name} behind an avi head" for name in PLAYLISTS), NO_STREAM
    ),
    "lying-mp4/two to the 32 sample times": DAMAGED,
    "lying-mp4/two to the 32 sample sizes": DAMAGED,
    "lying-mp4/two to the 31 sample sizes": DAMAGED,
    "lying-mp4/all samples of two to the 31 bytes": EMPTY,
    "lying-mp4/a sample of two to the 31 bytes": EMPTY,
    "lying-mp4/a chunk beyond the end": EMPTY,
    "lying-mp4/a chunk at the first byte": DAMAGED,
    "lying-mp4/chunks of two to the 32 samples": SHORT,
    "lying-mp4/chunks of no samples": SHORT,
    "lying-mp4/no sample descriptions": DAMAGED,
    "lying-mp4/two to the 32 sample descriptions": DAMAGED,
    "lying-mp4/a sample description of no bytes": DAMAGED,
    "lying-mp4/a clock of nought": SHORT,
    "lying-mp4/a clock of two to the 32": SHORT,
    "lying-mp4/a sound track": NO_STREAM,
    "lying-mp4/no track": NO_STREAM,
    "lying-mp4/no samples": CODEC,
    "lying-mp4/an index of one byte": DAMAGED,
    "lying-mp4/an index of seven bytes": DAMAGED,
    "lying-mp4/parameter sets of 65535 bytes": DAMAGED,
    "lying-mp4/31 empty parameter sets": DAMAGED,
    "lying-mp4/an edit of no length": EMPTY,
    "lying-mp4/an edit that ends never": EMPTY,
    "lying-mp4/ten thousand edits": FRAMES,
    "lying-mp4/sizes of 64 bits near the largest": DAMAGED,
    "lying-mp4/a hundred thousand boxes in each other": DAMAGED,
    "lying-mp4/a million empty boxes": DAMAGED,
    "lying-mp4/encrypted": CODEC,
    "lying-mp4/another codec": DAMAGED,
    "lying-mp4/a codec nobody has": CODEC,
    "lying-matroska/a width of nought": DAMAGED,
    "lying-matroska/a codec nobody has": CODEC,
    "lying-zip/a size of two to the 32": SUCCEEDED,
    "lying-zip/a packed size of two to the 32": SUCCEEDED,
    "lying-zip/more frames than there are": SUCCEEDED,
    "lying-zip/a size of nought": DAMAGED,
    "lying-zip/another checksum": DAMAGED,
    "lying-zip/a frame beyond the end": DAMAGED,
    "lying-zip/a directory beyond the end": DAMAGED,
    "lying-zip/a text called a picture": DAMAGED,
    "lying-zip/a playlist called a picture": DAMAGED,
    "lying-zip/a film called a picture": DAMAGED,
    "lying-zip/no frames": NOT_VIDEO,
    "lying-zip/a gap of years": LONG,
    "lying-zip/no rate": REQUEST,
    "lying-zip/a rate for a video": REQUEST,
    "undersized/one frame": SHORT,
    "undersized/two frames": SHORT,
    "million/empty chunks in an avi": EMPTY,
    "million/a tenth of them": EMPTY,
    "million/62 seconds": LONG,
    "bomb/a picture that unpacks to 400 MB": SHORT,
    "bomb/one frame under 3001 names": FRAMES,
    "bomb/black frames of 24 MB each": NO_FACE,
    "times/one far in the future": LONG,
    "times/one far in the past": LONG,
    "resized/h264 that shrinks": NO_FACE,
    "resized/every frame": SHORT,
    "misnamed/mp4 as a very long name": "malformed-request",
    "misnamed/picture as mp4": NOT_VIDEO,
    "misnamed/text as mp4": NOT_VIDEO,
    "misnamed/an index alone": DAMAGED,
    **dict.fromkeys((f"reference/a film that lies at {url}" for url in URLS), DAMAGED),
    "polyglot/zip and mp4": SHORT,
    "polyglot/mp4 in a junk box of avi": DAMAGED,
    "polyglot/picture and zip": NOT_VIDEO,
    "polyglot/gif and mp4": NOT_VIDEO,
    "polyglot/matroska in mp4": DAMAGED,
}


def expected(name: str) -> frozenset[str]:
    """The codes a case may come to.

    Raises:
        KeyError: The table does not know it.
    """
    codes = CASES.get(name) or FAMILIES[name.partition("/")[0]]
    return codes if isinstance(codes, frozenset) else frozenset({codes})
