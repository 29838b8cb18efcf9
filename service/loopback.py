"""What protects a service without keys from the pages in a browser on the same machine."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import GatewayCode, ProblemError, problem_response
from service.request_id import request_id_of
from service.settings import is_loopback

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class LoopbackGuard:
    """ASGI middleware, for `auth=off` only; stands inside the one that names requests.

    421 unless `Host` is a loopback name: a page whose own name was made to resolve to this
    machine (DNS rebinding) would otherwise read everything. 403 where another origin's page
    changes something: browsers send forms across origins without asking first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] == "http" and (refusal := _refusal(scope)) is not None:
            await problem_response(refusal, request_id_of(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refusal(scope: Scope) -> ProblemError | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not is_loopback(_without_port(host)):
        return ProblemError(
            GatewayCode.MISDIRECTED, "Address the service as localhost, 127.0.0.1 or [::1]."
        )
    origin = headers.get("origin")
    own = f"{scope['scheme']}://{host}"
    if origin is None or scope["method"] in _SAFE_METHODS or origin.lower() == own.lower():
        return None
    return ProblemError(
        GatewayCode.ORIGIN_REFUSED, "Without API keys only the service's own pages may do this."
    )


def _without_port(host: str) -> str:
    """The name in a `Host` header; an IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdecimal() else host.lower()
