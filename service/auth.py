"""Which operation needs which scope: dependencies that turn an API key into a principal.

Keys come in the `Authorization` header and nowhere else: addresses end up in logs and histories.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Protocol

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from service.errors import GatewayCode, ProblemError, problem_response
from service.principal import LOCAL, Principal, Scope
from service.request_id import request_id_of
from service.store.connection import OUTAGES

__all__ = [
    "Admin",
    "Deleter",
    "KeyBeforeBody",
    "Keyring",
    "OpenDoor",
    "Principal",
    "Reader",
    "Scope",
    "Submitter",
    "bearer_token",
]


class Keyring(Protocol):
    """Knows whose a key is. One is kept on the app as `app.state.keyring`."""

    async def principal_of(self, token: str | None) -> Principal | None:
        """The holder of a key; None where it is missing, malformed, unknown or no longer valid."""


class OpenDoor:
    """The keyring of a service without keys: everybody is the local principal."""

    async def principal_of(self, token: str | None) -> Principal | None:  # noqa: ARG002  # Keyring
        """The local principal, whatever was sent."""
        return LOCAL


_bearer = HTTPBearer(
    scheme_name="ApiKey",
    bearerFormat="madv_<id>_<secret>",
    description="An API key, made by `madv keys create`, sent as `Authorization: Bearer …` and in "
    "no other way. Each operation names the scope it needs (`submit`, `read`, `delete`); `admin` "
    "implies all. Not needed where the service runs without keys, which it does on loopback only.",
    auto_error=False,
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def require(scope: Scope) -> Callable[[Request, _Credentials], Awaitable[Principal]]:
    """A dependency: the principal of the request. Raises a problem (401, 403) without the scope."""

    async def principal(request: Request, credentials: _Credentials) -> Principal:
        token = None if credentials is None else credentials.credentials
        keyring: Keyring = request.app.state.keyring
        found = await keyring.principal_of(token)
        if found is None:
            raise _unauthenticated()
        if not found.may(scope):
            raise ProblemError(
                GatewayCode.FORBIDDEN,
                f"This needs a key with the scope `{scope}`.",
                extensions={"scope": str(scope)},
            )
        return found

    return principal


def bearer_token(headers: Mapping[bytes, bytes]) -> str | None:
    """What raw headers hold as a key."""
    scheme, _, sent = headers.get(b"authorization", b"").partition(b" ")
    return sent.decode("latin-1") if scheme.lower() == b"bearer" else None


class KeyBeforeBody:
    """ASGI middleware, for `auth=required`: takes in no body of a caller without a valid key.

    FastAPI reads a document before any dependency runs. Stands inside the middleware that names
    requests and outside the one that counts bytes.
    """

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on to the route, which checks its scope."""
        if scope["type"] == "http" and scope["method"] == "POST" and await self._is_stranger(scope):
            response = problem_response(_unauthenticated(), request_id_of(scope))
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _is_stranger(self, scope: ASGIScope) -> bool:
        """Whether the key is of no use; where that cannot be looked up now, the route says so."""
        keyring: Keyring = self._state.keyring
        try:
            return await keyring.principal_of(bearer_token(dict(scope["headers"]))) is None
        except OUTAGES:
            return False


Submitter = Annotated[Principal, Security(require(Scope.SUBMIT), scopes=[Scope.SUBMIT])]
Reader = Annotated[Principal, Security(require(Scope.READ), scopes=[Scope.READ])]
Deleter = Annotated[Principal, Security(require(Scope.DELETE), scopes=[Scope.DELETE])]
Admin = Annotated[Principal, Security(require(Scope.ADMIN), scopes=[Scope.ADMIN])]


def _unauthenticated() -> ProblemError:
    """One answer for every reason, so that it tells nothing about which keys exist."""
    return ProblemError(
        GatewayCode.UNAUTHENTICATED,
        "Send a valid key in the header `Authorization: Bearer madv_…`.",
        headers={"WWW-Authenticate": "Bearer"},
    )
