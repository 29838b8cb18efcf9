"""The form of an upload, read as it arrives: the clip is passed on, never kept whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from multipart import parse_options_header as parse_header
from starlette.requests import ClientDisconnect, Request

from service.errors import GatewayCode, ProblemError, invalid_fields
from service.upload import FORM_OVERHEAD_BYTES

FILE = "file"
"""Name of the field that holds the clip."""
_MOST_FIELDS = 16
_MULTIPART = "multipart/form-data"


class UploadForm:
    """One clip and some short fields, in any order."""

    def __init__(self, request: Request) -> None:
        self.fields: dict[str, str] = {}
        """What has arrived besides the clip; complete once the clip has been read."""
        self._request = request
        self._has_clip = False

    async def clip(self) -> AsyncGenerator[bytes]:
        """The clip's bytes, then whatever stands behind it is read, too. To be called once.

        Raises a problem where the form is malformed or holds no file.
        """
        name, is_clip, field = "", False, bytearray()
        async with aclosing(self._events()) as events:
            async for event in events:
                match event:
                    case MultipartSegment():
                        name, is_clip, field = event.name or "", event.name == FILE, bytearray()
                        self._refuse_second(is_clip=is_clip)
                    case None if not is_clip:
                        self.fields[name] = _decoded(name, field)
                    case bytes() if is_clip:
                        yield event
                    case bytes():
                        field += event
                        _refuse_long(name, field)
        if not self._has_clip:
            raise _missing()

    def _refuse_second(self, *, is_clip: bool) -> None:
        if is_clip and self._has_clip:
            raise ProblemError(GatewayCode.MALFORMED_REQUEST, "The form holds more than one file.")
        self._has_clip |= is_clip

    async def _events(self) -> AsyncGenerator[MultipartSegment | bytes | None]:
        kind, parameters = parse_header(self._request.headers.get("content-type", ""))
        if kind != _MULTIPART:
            raise _missing()
        try:
            with PushMultipartParser(
                parameters.get("boundary", ""), max_segment_count=_MOST_FIELDS
            ) as parser:
                async for chunk in self._request.stream():
                    if chunk:
                        for event in parser.parse(chunk):
                            yield event
        except MultipartError as exc:
            raise ProblemError(
                GatewayCode.MALFORMED_REQUEST, f"The form cannot be read: {exc}."
            ) from exc
        except ClientDisconnect as exc:
            raise ProblemError(GatewayCode.MALFORMED_REQUEST, "The upload broke off.") from exc


def _decoded(name: str, field: bytearray) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as exc:
        raise ProblemError(GatewayCode.MALFORMED_REQUEST, f"{name}: not UTF-8.") from exc


def _refuse_long(name: str, field: bytearray) -> None:
    if len(field) > FORM_OVERHEAD_BYTES:
        raise ProblemError(
            GatewayCode.MALFORMED_REQUEST,
            f"{name}: a field beside the file has at most {FORM_OVERHEAD_BYTES} bytes.",
            limit=FORM_OVERHEAD_BYTES,
        )


def _missing() -> ProblemError:
    return invalid_fields([{"type": "missing", "loc": ("body", FILE), "msg": "Field required"}])
