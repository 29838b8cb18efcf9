"""Uploads, taken in ahead of the web framework.

Next to taking in a small clip, what a framework spends on routing, dependencies and rendering is a
good part of the cost. What is done is what the route does, by the same function. Whatever needs a
closer look first (an invalid key, a missing scope, a strange header) goes on to the route.
"""

from collections.abc import Mapping

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import State
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.auth import Keyring, bearer_token
from service.auth import Scope as Permission
from service.errors import ProblemError, as_problem, problem_response
from service.principal import Principal
from service.request_id import request_id_of
from service.routes import recognize

_PATH = "/v1/recognize"
_ROUTE = next(
    route
    for route in recognize.router.routes
    if isinstance(route, APIRoute) and route.path == _PATH
)


class PlainUploads:
    """ASGI middleware around the app, which has its `keyring` and `gateway` on its state.

    Args:
        app: Takes all other requests.
        state: The app's.
        outages: Errors of unreachable neighbours.
    """

    def __init__(self, app: ASGIApp, state: State, outages: tuple[type[Exception], ...]) -> None:
        self._app = app
        self._state = state
        self._outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take in a plain upload; pass on everything else."""
        if scope["type"] != "http" or scope["path"] != _PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        caller = await self._caller(headers)
        key = headers.get(b"idempotency-key")
        if caller is None or (key is not None and not 1 <= len(key) <= recognize.LONGEST_KEY):
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        try:
            response = await self._response(Request(scope, receive), caller, headers)
        except Exception as error:
            response = problem_response(as_problem(error, self._outages), request_id_of(scope))
            await response(scope, receive, send)
            if not isinstance(error, (ProblemError, *self._outages)):
                raise
        else:
            await response(scope, receive, send)

    async def _caller(self, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Who may submit; None where the route has to say why not."""
        keyring: Keyring = self._state.keyring
        try:
            found = await keyring.principal_of(bearer_token(headers))
        except self._outages:
            return None
        return found if found is not None and found.may(Permission.SUBMIT) else None

    async def _response(
        self, request: Request, caller: Principal, headers: Mapping[bytes, bytes]
    ) -> Response:
        key, prefer = headers.get(b"idempotency-key"), headers.get(b"prefer")
        return await recognize.take_upload(
            self._state.gateway,
            caller,
            request,
            None if key is None else key.decode("latin-1"),
            None if prefer is None else prefer.decode("latin-1"),
        )
