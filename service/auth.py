"""Which operation needs which scope: dependencies that turn an API key into a principal.

Keys come in the `Authorization` header and nowhere else: addresses end up in logs and histories.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.errors import GatewayCode, ProblemError
from service.principal import LOCAL, Principal, Scope

__all__ = ["Admin", "Deleter", "Keyring", "OpenDoor", "Principal", "Reader", "Scope", "Submitter"]


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
    description="An API key, see `madv keys create`. Not needed where the service runs without.",
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


Submitter = Annotated[Principal, Depends(require(Scope.SUBMIT))]
Reader = Annotated[Principal, Depends(require(Scope.READ))]
Deleter = Annotated[Principal, Depends(require(Scope.DELETE))]
Admin = Annotated[Principal, Depends(require(Scope.ADMIN))]


def _unauthenticated() -> ProblemError:
    """One answer for every reason, so that it tells nothing about which keys exist."""
    return ProblemError(
        GatewayCode.UNAUTHENTICATED,
        "Send a valid key in the header `Authorization: Bearer madv_…`.",
        headers={"WWW-Authenticate": "Bearer"},
    )
