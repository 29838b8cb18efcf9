import pytest
from starlette.requests import Request
from starlette.types import Message

from service.errors import KINDS, ProblemError
from service.form import UploadForm
from service.upload import FORM_OVERHEAD_BYTES

pytestmark = pytest.mark.anyio

CLIP = bytes(range(256)) * 40
BOUNDARY = "multipart/form-data; boundary=x"


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return b"--x\r\nContent-Disposition: " + named.encode() + b"\r\n\r\n" + content + b"\r\n"


OPTIONS = part("options", '{"tags": ["ä"]}'.encode())
FILE = part("file", CLIP, "a.mp4")
END = b"--x--\r\n"


def form(body: bytes, *, content_type: str = BOUNDARY, chunk: int = 1000) -> UploadForm:
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)]

    async def receive() -> Message:
        content = chunks.pop(0) if chunks else b""
        return {"type": "http.request", "body": content, "more_body": bool(chunks)}

    scope = {"type": "http", "headers": [(b"content-type", content_type.encode())]}
    return UploadForm(Request(scope, receive))


@pytest.mark.parametrize("chunk", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("body", [OPTIONS + FILE + END, FILE + OPTIONS + END])
async def test_fields_may_stand_before_and_behind_the_clip(body: bytes, chunk: int) -> None:
    read = form(body, chunk=chunk)
    assert b"".join([piece async for piece in read.clip()]) == CLIP
    assert read.fields == {"options": '{"tags": ["ä"]}'}


async def test_what_stands_before_the_clip_is_known_when_it_begins() -> None:
    read = form(OPTIONS + FILE + END)
    await anext(read.clip())
    assert "options" in read.fields


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "cannot be read"),
        (b"words", 400, "cannot be read"),
        (FILE[:-100], 400, "cannot be read"),
        (FILE, 400, "cannot be read"),
        (FILE + FILE + END, 400, "more than one file"),
        (part("options", b"\xff") + FILE + END, 400, "options: not UTF-8"),
        (part("options", bytes(FORM_OVERHEAD_BYTES + 1)) + FILE + END, 400, "at most"),
        (part("note", b"") * 20 + FILE + END, 400, "cannot be read"),
        (OPTIONS + END, 422, "file"),
        (END, 422, "file"),
    ],
)
async def test_a_form_that_is_none_is_refused(body: bytes, status: int, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as refusal:
        _ = [piece async for piece in form(body).clip()]
    assert KINDS[refusal.value.code].status == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 422),
        ("", 422),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
    ],
)
async def test_the_form_is_what_its_type_says(content_type: str, status: int) -> None:
    with pytest.raises(ProblemError) as refusal:
        _ = [piece async for piece in form(FILE + END, content_type=content_type).clip()]
    assert KINDS[refusal.value.code].status == status
