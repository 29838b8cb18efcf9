"""An id for every request: the caller's where it is sane, else a new one; echoed in a header."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = "madv.request_id"


def request_id_of(scope: Scope) -> str:
    """The id of the request a scope belongs to."""
    return str(scope[_KEY])


class RequestId:
    """ASGI middleware that names each request and sets the header on its response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent_in = Headers(scope=scope).get(HEADER, "")
        request_id = sent_in if _SANE.fullmatch(sent_in) else f"req_{secrets.token_hex(12)}"
        scope[_KEY] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, named)
