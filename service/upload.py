"""The way in: bytes counted while they stream, the container told by its first bytes."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import GatewayCode, ProblemError, problem_response
from service.request_id import request_id_of
from service.schemas import ClipReceipt
from worker.contract import ErrorCode

FORM_OVERHEAD_BYTES = 64 * 1024
"""What a multipart body may hold besides the clip."""
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""Largest body that is no form, such as a batch of 50,000 items."""
_BLOCK_BYTES = 512 * 1024
"""What is handed on at a time: each hand-over costs as much as copying some hundred KB."""
_HEAD_BYTES = 16
_DRAIN_S = 5.0

ARCHIVE = "zip"

_SIGNATURES: Mapping[str, re.Pattern[bytes]] = {
    # ISO base media; old QuickTime files start with another box than `ftyp`.
    "mp4": re.compile(rb".{4}(ftyp|moov|mdat|wide|free|skip|pnot)", re.DOTALL),
    "matroska": re.compile(rb"\x1a\x45\xdf\xa3"),
    ARCHIVE: re.compile(rb"PK\x03\x04"),
    "avi": re.compile(rb"RIFF.{4}AVI ", re.DOTALL),
}


def sniff(head: bytes) -> str | None:
    """The container a file's first bytes announce, or None where it is not an accepted one."""
    return next((name for name, pattern in _SIGNATURES.items() if pattern.match(head)), None)


def refuse_fps_mismatch(container: str, fps: float | None) -> None:
    """Raise a problem unless a rate is given for an archive of frames, and only for one."""
    if (container == ARCHIVE) == (fps is not None):
        return
    raise ProblemError(
        GatewayCode.INVALID_REQUEST,
        "options.fps: an archive of frames needs it."
        if container == ARCHIVE
        else "options.fps: a video states its own frame rate.",
    )


class ClipStream:
    """A clip on its way into the store: told by its first bytes, counted and hashed."""

    def __init__(self, chunks: AsyncIterator[bytes], limit: int) -> None:
        self._chunks = chunks
        self._limit = limit
        self._begun = b""
        self._digest = hashlib.sha256()
        self._bytes = 0

    async def container(self) -> str:
        """The container the clip starts like. To be asked before `blocks`.

        Raises a problem where the clip is empty or none of the accepted ones.
        """
        while len(self._begun) < _HEAD_BYTES and (chunk := await anext(self._chunks, b"")):
            self._begun += chunk
        if not self._begun:
            raise ProblemError(ErrorCode.EMPTY_FILE, "The uploaded file holds no bytes.")
        container = sniff(self._begun[:_HEAD_BYTES])
        if container is None:
            raise ProblemError(
                ErrorCode.NOT_A_VIDEO,
                "The file does not start like an MP4, MOV, WebM, MKV or AVI container, or a ZIP.",
            )
        return container

    async def blocks(self) -> AsyncGenerator[bytes]:
        """All of the clip. Raises a problem where it is larger than the limit."""
        held, size = [self._taken(self._begun)], len(self._begun)
        async for chunk in self._chunks:
            held.append(self._taken(chunk))
            size += len(chunk)
            if size >= _BLOCK_BYTES:
                yield b"".join(held)
                held, size = [], 0
        if size:
            yield b"".join(held)

    def receipt(self) -> ClipReceipt:
        """What has passed."""
        return ClipReceipt(sha256=self._digest.hexdigest(), bytes=self._bytes)

    def _taken(self, chunk: bytes) -> bytes:
        self._bytes += len(chunk)
        if self._bytes > self._limit:
            raise too_large(self._limit, self._bytes)
        self._digest.update(chunk)
        return chunk


def too_large(limit: int, measured: int) -> ProblemError:
    """The problem of a clip or a document over its byte limit."""
    return ProblemError(
        ErrorCode.TOO_LARGE,
        f"At most {limit} bytes are accepted.",
        limit=limit,
        measured=measured,
        headers={"Connection": "close"},
    )


class _Refused(Exception):
    """Unwinds the application once the body of its request is refused."""


class ByteCap:
    """ASGI middleware that ends a request whose body is too large or takes too long to arrive.

    Bytes are counted as they arrive, because Content-Length may be missing or wrong. The time
    limit holds for the whole body: a limit on pauses would let a caller trickle for ever.
    """

    def __init__(self, app: ASGIApp, max_upload_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body, or answer 413 or 408."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        has_body = declared.strip("0") != "" or "transfer-encoding" in headers
        body = _Body(receive, send, self._limits(headers), self._timeout_s, has_body=has_body)
        if declared.isdecimal():
            body.refuse_over_limit(int(declared))
        if body.refusal is None:
            with contextlib.suppress(_Refused):
                await self._app(scope, body.receive, body.send)
        if body.refusal is not None and not body.is_answered:
            response = problem_response(body.refusal, request_id_of(scope))
            await _answer_and_drain(response, receive, send)

    def _limits(self, headers: Headers) -> tuple[int, int]:
        """What is published as the limit, and what the whole body may have."""
        if headers.get("content-type", "").lower().startswith("multipart/"):
            return self._max_upload_bytes, self._max_upload_bytes + FORM_OVERHEAD_BYTES
        return MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES


class _Body:
    """A body that is counted and timed; once it is refused, the application is not heard.

    The application may have turned the interruption into an answer of its own. Where it answers
    before it has read all, nothing more is taken in than the caller needs to see the answer.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        limits: tuple[int, int],
        timeout_s: float,
        *,
        has_body: bool,
    ) -> None:
        self._receive = receive
        self._send = send
        self._published, self._limit = limits
        self._timeout_s = timeout_s
        self._ends_at = asyncio.get_running_loop().time() + timeout_s
        self._bytes = 0
        self._is_complete = not has_body
        self.refusal: ProblemError | None = None
        self.is_answered = False

    def refuse_over_limit(self, measured: int) -> None:
        """Refuse the body where it is larger than permitted."""
        if measured > self._limit:
            self.refusal = too_large(self._published, measured)

    async def receive(self) -> Message:
        """The next part of the body, in time and within the limit."""
        if self._is_complete:
            return await self._receive()
        message = await self._receive_in_time()
        self._bytes += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        self.refuse_over_limit(self._bytes)
        if self.refusal is not None:
            raise _Refused
        return message

    async def _receive_in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._ends_at):
                return await self._receive()
        except TimeoutError as exc:
            self.refusal = ProblemError(
                GatewayCode.REQUEST_TIMEOUT,
                f"A request's body has {self._timeout_s:g} s to arrive.",
                limit=self._timeout_s,
                headers={"Connection": "close"},
            )
            raise _Refused from exc

    async def send(self, message: Message) -> None:
        """What the application answers, unless the body is refused."""
        if self.refusal is not None and not self.is_answered:
            return
        self.is_answered = True
        if self._is_complete:
            await self._send(message)
        else:
            await self._send_early(message)

    async def _send_early(self, message: Message) -> None:
        """A part of an answer to a request whose body has not been read."""
        if message["type"] == "http.response.start":
            closing = (b"connection", b"close")
            await self._send({**message, "headers": [*message.get("headers", ()), closing]})
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await _drain(self._receive)
            await self._send({"type": "http.response.body", "body": b""})


async def _answer_and_drain(response: Response, receive: Receive, send: Send) -> None:
    """Send a whole response, then read on for a while before the connection is closed.

    Closing with unread bytes resets the connection, and the caller would never see the answer.
    """
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await _drain(receive)
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            while (await receive()).get("more_body", False):
                pass
