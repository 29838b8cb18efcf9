"""The process that decodes one file: `python -m worker.video.child ORDER`.

Bytes come from standard input, an opened file; messages (see `worker.video.wire`) go to standard
output. Everything it needs is loaded before it confines itself.
"""

import base64
import encodings.cp437
import json
import os
import sys
import traceback
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import av
import av.audio.codeccontext
import av.audio.stream
import av.sidedata.encparams
import av.sidedata.motionvectors
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.leash import die_with_parent
from worker.video.archive import open_archive
from worker.video.confine import confine
from worker.video.limits import DecodeLimits
from worker.video.raw import FrameSource, RawImage, RawPicture
from worker.video.reader import open_reader
from worker.video.wire import Kind, send

LATE: Final = (
    av.audio,
    av.sidedata,
    av.subtitles,
    av.video,
    encodings.cp437,  # names in archives
)
"""What would else be loaded only when a file asks for it: no file can be opened by then."""
MOST_TRACE: Final = 4000


@dataclass(frozen=True, slots=True)
class Order:
    """What to decode, and with what rights."""

    parent_pid: int
    demuxer: str
    """Empty for an archive of frames."""
    fps: float | None
    limits: DecodeLimits
    filter_program: bytes

    def dump(self) -> str:
        """As one argument of a command."""
        program = base64.b64encode(self.filter_program).decode()
        return json.dumps({**asdict(self), "filter_program": program})

    @classmethod
    def load(cls, text: str) -> "Order":
        """The same again."""
        fields = json.loads(text)
        limits = DecodeLimits(**fields.pop("limits"))
        program = base64.b64decode(fields.pop("filter_program"))
        return cls(**fields, limits=limits, filter_program=program)

    def open(self, stored: BinaryIO) -> AbstractContextManager[FrameSource]:
        """The frames in a file.

        Raises:
            ClipError: It cannot be used.
        """
        if not self.demuxer:
            return open_archive(stored, self.limits, self.fps)
        return open_reader(stored, self.demuxer, self.limits)


def main() -> None:
    """Decode, tell, end."""
    order = Order.load(sys.argv[1])
    die_with_parent(order.parent_pid)
    confine(order.limits, order.filter_program)
    pipe = sys.stdout.buffer
    try:
        answer(pipe, order)
    except Exception as error:  # noqa: BLE001  # handed on: the parent raises or logs it
        trace = traceback.format_exc()[-MOST_TRACE:]
        send(pipe, Kind.BROKEN, {"traceback": trace, "is_machines": isinstance(error, OSError)})
    os._exit(0)  # nothing here is worth tidying up


def answer(pipe: BinaryIO, order: Order) -> None:
    """Send all that is in the file on standard input, or why there is nothing."""
    try:
        with order.open(sys.stdin.buffer) as source:
            _tell(pipe, source)
    except ClipError as error:
        send(
            pipe,
            Kind.REFUSED,
            {
                "code": error.code,
                "detail": error.detail,
                "limit": error.limit,
                "measured": error.measured,
            },
        )
    except MemoryError:
        limit = order.limits.max_decoder_bytes
        facts = {"detail": "decoding takes too much memory", "limit": limit, "measured": None}
        send(pipe, Kind.REFUSED, {"code": ErrorCode.TOO_MANY_PIXELS, **facts})


def _tell(pipe: BinaryIO, source: FrameSource) -> None:
    rate = source.nominal_fps
    send(
        pipe,
        Kind.OPENED,
        {
            "frames_total": source.frames_total,
            "rate": (rate.numerator, rate.denominator),
            "ffmpeg": av.ffmpeg_version_info,
        },
    )
    for picture in source.pictures():
        pixels = picture.image.pixels if picture.image else b""
        send(pipe, Kind.PICTURE, _facts(picture), pixels)
    send(pipe, Kind.ENDED, {"codec": source.codec, "warnings": source.warnings})


def _facts(picture: RawPicture) -> dict[str, object]:
    return {"pts_s": picture.pts_s, "image": _figures(picture.image)}


def _figures(image: RawImage | None) -> dict[str, object] | None:
    if image is None:
        return None
    return {
        "width": image.width,
        "height": image.height,
        "line_bytes": image.line_bytes,
        "matrix": image.matrix,
        "turned_degrees": image.turned_degrees,
    }


if __name__ == "__main__":
    main()
