"""The way in: bytes counted while they stream, the container told by its first bytes."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Mapping

from fastapi import UploadFile
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import GatewayCode, ProblemError, problem_response
from service.request_id import request_id_of
from service.schemas import ClipReceipt
from worker.contract import ErrorCode

FORM_OVERHEAD_BYTES = 64 * 1024
"""What a multipart body may hold besides the clip."""
_CHUNK_BYTES = 1024 * 1024
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


async def container_of(file: UploadFile) -> str:
    """The container an upload starts like; the upload is left at its start.

    Raises ProblemError where it is empty or none of the accepted ones.
    """
    head = await file.read(_HEAD_BYTES)
    await file.seek(0)
    if not head:
        raise ProblemError(ErrorCode.EMPTY_FILE, "The uploaded file holds no bytes.")
    container = sniff(head)
    if container is None:
        raise ProblemError(
            ErrorCode.NOT_A_VIDEO,
            "The file does not start like an MP4, MOV, WebM, MKV or AVI container, or a ZIP.",
        )
    return container


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


class Receipt:
    """Hashes and counts the bytes of a stream as they pass."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digest = hashlib.sha256()
        self._bytes = 0

    async def pass_on(self, file: UploadFile) -> AsyncIterator[bytes]:
        """The file in chunks. Raises a problem where it is larger than the limit."""
        while chunk := await file.read(_CHUNK_BYTES):
            self._bytes += len(chunk)
            if self._bytes > self._limit:
                raise too_large(self._limit, self._bytes)
            self._digest.update(chunk)
            yield chunk

    def signed(self) -> ClipReceipt:
        """What has passed."""
        return ClipReceipt(sha256=self._digest.hexdigest(), bytes=self._bytes)


def too_large(limit: int, measured: int) -> ProblemError:
    """The problem of a clip over the byte limit."""
    return ProblemError(
        ErrorCode.TOO_LARGE,
        f"A clip may have at most {limit} bytes.",
        limit=limit,
        measured=measured,
        headers={"Connection": "close"},
    )


class _OverLimit(Exception):
    """Unwinds the application once a body has passed the limit."""


class ByteCap:
    """ASGI middleware that ends a request whose body passes the limit, whatever it declared.

    Bytes are counted as they arrive, because the form parser writes them to disk before any
    route runs, and Content-Length may be missing or wrong.
    """

    def __init__(self, app: ASGIApp, max_upload_bytes: int) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes
        self._max_body_bytes = max_upload_bytes + FORM_OVERHEAD_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            await self._refuse(scope, receive, send, int(declared))
            return
        exchange = _Exchange(receive, send, self._max_body_bytes)
        with contextlib.suppress(_OverLimit):
            await self._app(scope, exchange.receive, exchange.send)
        if exchange.is_over and not exchange.is_answered:
            await self._refuse(scope, receive, send, exchange.body_bytes)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, measured: int) -> None:
        problem = too_large(self._max_upload_bytes, measured)
        response = problem_response(problem, request_id_of(scope))
        await _answer_and_drain(response, receive, send)


class _Exchange:
    """One request whose body is counted and whose response is muted once the count is over.

    Muted, because the application may turn the interruption into an answer of its own.
    """

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self.body_bytes = 0
        self.is_answered = False

    @property
    def is_over(self) -> bool:
        return self.body_bytes > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        self.body_bytes += len(message.get("body", b""))
        if self.is_over:
            raise _OverLimit
        return message

    async def send(self, message: Message) -> None:
        if self.is_answered or not self.is_over:
            self.is_answered = True
            await self._send(message)


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
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})
