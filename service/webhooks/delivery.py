"""One attempt at a delivery over HTTP: to checked addresses only, redirects included.

Every error of httpx and of the guard becomes an `AttemptError` here; what a target says is never
kept, besides its status.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from service.webhooks.targets import Pinned, Target, TargetGuard, TargetNotFound, TargetRefused

_MOST_REDIRECTS = 3
_KEEPING_THE_METHOD = frozenset({307, 308})
_MOST_ADDRESSES = 4
_CONNECT_S = 5.0
_DRAIN_BYTES = 64 * 1024
_DRAIN_S = 1.0
_OWN_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
    "content-type": "application/json",
    "user-agent": "madv-webhooks",
}


class AttemptError(StrEnum):
    """Why an attempt failed, where the target's status does not say it."""

    TIMEOUT = "timeout"
    CONNECTION_FAILED = "connection-failed"
    TLS_FAILED = "tls-failed"
    PROTOCOL_ERROR = "protocol-error"
    HOST_NOT_FOUND = "host-not-found"
    TARGET_REFUSED = "target-refused"
    REDIRECT_REFUSED = "redirect-refused"
    TOO_MANY_REDIRECTS = "too-many-redirects"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt; `status` is the last one received."""

    status: int | None = None
    error: AttemptError | None = None


@dataclass(frozen=True, slots=True)
class Courier:
    """Posts messages. `timeout_s` bounds an attempt with all its redirects."""

    guard: TargetGuard
    timeout_s: float
    tls: ssl.SSLContext = field(default_factory=httpx.create_ssl_context)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one message. Raises nothing the target could cause."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._follow(url, {**_OWN_HEADERS, **headers}, body)
        except TargetNotFound:
            return Answer(error=AttemptError.HOST_NOT_FOUND)
        except TargetRefused:
            return Answer(error=AttemptError.TARGET_REFUSED)
        except (TimeoutError, httpx.HTTPError) as error:
            return Answer(error=_reason(error))

    async def _follow(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post, and post again where the target sends us on: after the same checks."""
        target = await self.guard.check(url)
        status, location = await self._send(target, headers, body)
        for _ in range(_MOST_REDIRECTS):
            if status not in _KEEPING_THE_METHOD:
                return Answer(status)
            try:
                target = await self.guard.check(_joined(target.url, location))
            except TargetRefused:
                return Answer(status, AttemptError.REDIRECT_REFUSED)
            status, location = await self._send(target, headers, body)
        too_many = status in _KEEPING_THE_METHOD
        return Answer(status, AttemptError.TOO_MANY_REDIRECTS if too_many else None)

    async def _send(
        self, target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        """Status and `Location` (or '') from the first address that can be connected to."""
        *others, last = target.addresses[:_MOST_ADDRESSES]
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._send_to(target.pinned(address), headers, body)
        return await self._send_to(target.pinned(last), headers, body)

    async def _send_to(
        self, pinned: Pinned, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        # A client of its own: a pool would hand a connection verified for one name to another
        # name at the same address.
        async with (
            httpx.AsyncClient(
                verify=self.tls,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s)),
            ) as client,
            client.stream(
                "POST",
                pinned.url,
                content=body,
                headers={**headers, "host": pinned.host_header},
                extensions={"sni_hostname": pinned.server_name},
            ) as response,
        ):
            await _drain(response)
            return response.status_code, response.headers.get("location", "")


async def _drain(response: httpx.Response) -> None:
    """Read a little, out of courtesy to the sender; the status alone decides."""
    received = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in response.aiter_raw():
                received += len(chunk)
                if received >= _DRAIN_BYTES:
                    return


def _joined(url: httpx.URL, location: str) -> str:
    if not location:
        raise TargetRefused("a redirect to nowhere")
    try:
        return str(url.join(location))
    except httpx.InvalidURL as exc:
        raise TargetRefused("a redirect to no URL") from exc


def _reason(error: Exception) -> AttemptError:
    match error:
        case TimeoutError() | httpx.TimeoutException():
            return AttemptError.TIMEOUT
        case httpx.ProtocolError():
            return AttemptError.PROTOCOL_ERROR
        case _ if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
            return AttemptError.TLS_FAILED
        case _:
            return AttemptError.CONNECTION_FAILED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
