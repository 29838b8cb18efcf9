"""An id for every request: the caller's where it is sane, else a new one; echoed in a header."""

import itertools
import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_RAW_HEADER = HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY = "madv.request_id"


def request_id_of(scope: Scope) -> str:
    """The id of the request a scope belongs to."""
    return str(scope[_KEY])


class RequestId:
    """ASGI middleware that names each request and sets the header on its response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._prefix = f"req_{secrets.token_hex(8)}"
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Raw headers, as this runs for each of thousands of polls a second.
        sent_in = dict(scope["headers"]).get(_RAW_HEADER, b"")
        raw_id = sent_in if _SANE.fullmatch(sent_in) else self._next_id()
        scope[_KEY] = raw_id.decode()

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [pair for pair in message.get("headers", ()) if pair[0] != _RAW_HEADER]
                message["headers"] = [*others, (_RAW_HEADER, raw_id)]
            await send(message)

        await self.app(scope, receive, named)

    def _next_id(self) -> bytes:
        """Unique, though not secret: drawing each at random took a tenth of a poll's time."""
        return f"{self._prefix}{next(self._count):08x}".encode()
