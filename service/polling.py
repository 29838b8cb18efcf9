"""The commonest request, `GET /v1/jobs/{id}`, answered ahead of the web framework.

Clients that poll ask for the same few jobs over and over. A web framework spends several times
longer on routing, dependencies and rendering than it takes to read the job, so plain polls are
answered here. Whatever is not plain (a wait, a body, an invalid key, an unknown job, one that is
being processed, an outage) goes on to the route, which alone decides about such cases.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from service.auth import Keyring, bearer_token
from service.auth import Scope as Permission
from service.rendering import job_document
from service.state import Standing, describe
from service.store.connection import OUTAGES
from service.store.reader import Snapshot, standing_of
from service.telemetry.requests import Answered, RequestTimes

_PLAIN = re.compile(r"/v1/jobs/(job_[0-9a-f]{32})")
_NOT_PLAIN = frozenset({b"content-length", b"transfer-encoding", b"prefer", b"range"})
_VIEWS_KEPT = 4096
_ROUTE = "/v1/jobs/{job_id}"


class Jobs(Protocol):
    """Reads jobs."""

    async def read(self, job_id: str) -> Snapshot:
        """What is held about a job now."""


@dataclass(frozen=True, slots=True)
class View:
    """An answer that holds until the job changes or that moment comes."""

    tenant: str
    until: datetime
    body: bytes
    etag: bytes
    is_settled: bool


@lru_cache(_VIEWS_KEPT)
def view_of(snapshot: Snapshot) -> View | None:
    """The answer about a job that waits or has ended; None where it takes a closer look."""
    standing = standing_of(snapshot)
    if not isinstance(standing, Standing):
        return None
    record, settled = standing.record, standing.settled
    if settled is None and standing.position is None:
        return None
    # As seen at its beginning: until it expires or its deadline comes, nothing depends on when.
    body, etag = job_document(describe(standing, record.created_at))
    until = record.deadline_at if settled is None else settled.expires_at
    return View(record.tenant, until, body, etag.encode(), settled is not None)


class PlainPolls:
    """ASGI middleware around the app, which has its `keyring` and `job_reader` on its state."""

    def __init__(self, app: ASGIApp, state: State, retry_after_s: int, times: RequestTimes) -> None:
        self._app = app
        self._state = state
        self._retry_after = str(retry_after_s).encode()
        self._timings = {
            status: times.of(Answered("GET", _ROUTE, str(status), waits="no"))
            for status in (200, 304)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain poll; pass on everything else."""
        job_id = _polled(scope)
        if job_id is not None:
            start_s = time.perf_counter()
            headers = dict(scope["headers"])
            view = await self._view(headers, job_id)
            if view is not None and headers.get(b"if-none-match", view.etag) == view.etag:
                status = 304 if b"if-none-match" in headers else 200
                self._timings[status].note(time.perf_counter() - start_s)
                await self._answer(view, send, status)
                return
        await self._app(scope, receive, send)

    async def _view(self, headers: Mapping[bytes, bytes], job_id: str) -> View | None:
        """The answer, where the request may see it and it is one of the simple ones."""
        if not _NOT_PLAIN.isdisjoint(headers):
            return None
        keyring: Keyring = self._state.keyring
        reader: Jobs = self._state.job_reader
        try:
            principal = await keyring.principal_of(bearer_token(headers))
            if principal is None or not principal.may(Permission.READ):
                return None
            view = view_of(await reader.read(job_id))
        except OUTAGES:
            return None
        is_visible = view is not None and view.tenant == principal.tenant
        return view if is_visible and view and datetime.now(UTC) < view.until else None

    async def _answer(self, view: View, send: Send, status: int) -> None:
        headers = [(b"cache-control", b"no-store"), (b"etag", view.etag)]
        if not view.is_settled:
            headers.append((b"retry-after", self._retry_after))
        is_known = status == HTTPStatus.NOT_MODIFIED
        if not is_known:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", str(len(view.body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_known else view.body})


def _polled(scope: Scope) -> str | None:
    """The id of the job a plain poll asks for."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    match = _PLAIN.fullmatch(scope["path"])
    return None if match is None else match[1]
