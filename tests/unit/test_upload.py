import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request

from service.errors import ProblemError
from service.request_id import RequestId
from service.upload import (
    FORM_OVERHEAD_BYTES,
    MAX_DOCUMENT_BYTES,
    ByteCap,
    ClipStream,
    refuse_fps_mismatch,
    sniff,
)
from worker.contract import ErrorCode

LIMIT = 1024 * 1024


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "mp4"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mp4"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81", "matroska"),
        (b"RIFF\x00\x00\x10\x00AVI LIST", "avi"),
        (b"RIFF\x00\x00\x10\x00WAVEfmt ", None),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", None),
        (b"#EXTM3U\n#EXT-X-VER", None),
        (b"ffconcat version", None),
        (b"PK\x03\x04\x14\x00\x00\x00\x08\x00aaaaaa", "zip"),
        (b"ftyp", None),
        (b"", None),
    ],
)
def test_containers_are_told_by_their_first_bytes(head: bytes, container: str | None) -> None:
    assert sniff(head) == container


async def pieces(content: bytes, size: int = 5) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "code"), [(b"", ErrorCode.EMPTY_FILE), (b"hello, world", ErrorCode.NOT_A_VIDEO)]
)
async def test_what_is_no_video_is_refused(content: bytes, code: ErrorCode) -> None:
    with pytest.raises(ProblemError) as refusal:
        await ClipStream(pieces(content), LIMIT).container()
    assert refusal.value.code is code


@pytest.mark.parametrize(("container", "fps"), [("zip", 25.0), ("mp4", None)])
def test_a_rate_goes_with_an_archive_alone(container: str, fps: float | None) -> None:
    refuse_fps_mismatch(container, fps)
    with pytest.raises(ProblemError, match="fps"):
        refuse_fps_mismatch(container, None if fps else 25.0)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [7, 3000, 10**6])
@pytest.mark.parametrize("length", [16, 100, 600_000])
async def test_a_clip_passes_whole_and_is_counted(length: int, size: int) -> None:
    content = b"\x1a\x45\xdf\xa3" + bytes(length - 4)
    clip = ClipStream(pieces(content, size), LIMIT)
    assert await clip.container() == "matroska"
    assert b"".join([block async for block in clip.blocks()]) == content
    assert clip.receipt().sha256 == hashlib.sha256(content).hexdigest()
    assert clip.receipt().bytes == length


@pytest.mark.anyio
async def test_a_file_over_the_limit_is_refused_while_it_is_stored() -> None:
    clip = ClipStream(pieces(bytes(11)), limit=10)
    with pytest.raises(ProblemError) as refusal:
        _ = [block async for block in clip.blocks()]
    assert (refusal.value.code, refusal.value.limit) == (ErrorCode.TOO_LARGE, 10)


FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


class Chunks(httpx.AsyncByteStream):
    """An upload without a declared length."""

    def __init__(self, count: int) -> None:
        self.left = count

    async def __aiter__(self):  # noqa: ANN204  # an async generator
        yield FORM_HEAD
        while self.left:
            self.left -= 1
            yield bytes(64 * 1024)


@pytest.fixture
def capped() -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(ByteCap, max_upload_bytes=LIMIT, timeout_s=0.2)
    app.add_middleware(RequestId)

    @app.post("/")
    async def take(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/early")
    async def answer_early() -> str:
        return "no need to read it"

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.anyio
async def test_a_body_that_declares_too_much_is_refused(capped: httpx.AsyncClient) -> None:
    async with capped:
        answer = await capped.post("/", files={"file": bytes(LIMIT + FORM_OVERHEAD_BYTES)})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["limit"]) == (413, "too-large", LIMIT)
    assert problem["measured"] > LIMIT


@pytest.mark.anyio
async def test_a_body_that_declares_nothing_is_counted(capped: httpx.AsyncClient) -> None:
    async with capped:
        answer = await capped.post(
            "/",
            content=Chunks(40),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["limit"]) == (413, "too-large", LIMIT)


@pytest.mark.anyio
async def test_a_body_within_the_limit_passes(capped: httpx.AsyncClient) -> None:
    async with capped:
        answer = await capped.post("/", content=bytes(LIMIT))
    assert (answer.status_code, answer.json()) == (200, LIMIT)
    assert "connection" not in answer.headers


@pytest.mark.anyio
async def test_who_is_answered_early_is_heard_out_and_hung_up_on(capped: httpx.AsyncClient) -> None:
    sent = Chunks(3)
    async with capped:
        answer = await capped.post("/early", content=sent)
        without_body = await capped.post("/early")
    assert answer.json() == without_body.json() == "no need to read it"
    assert answer.headers["connection"] == "close"
    assert "connection" not in without_body.headers
    assert sent.left == 0


class Endless(httpx.AsyncByteStream):
    """An upload that begins and then says nothing more."""

    async def __aiter__(self):  # noqa: ANN204  # an async generator
        yield FORM_HEAD
        await asyncio.Event().wait()


@pytest.mark.anyio
async def test_a_body_that_takes_too_long_is_refused(capped: httpx.AsyncClient) -> None:
    async with capped:
        answer = await capped.post(
            "/",
            content=Endless(),
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["limit"]) == (408, "request-timeout", 0.2)
    assert problem["retryable"]


@pytest.mark.anyio
async def test_a_document_has_a_cap_of_its_own(capped: httpx.AsyncClient) -> None:
    async with capped:
        answer = await capped.post(
            "/", content=bytes(MAX_DOCUMENT_BYTES + 1), headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["limit"]) == (413, MAX_DOCUMENT_BYTES)
