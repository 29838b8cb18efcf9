"""Sends calls: the only place that touches a socket."""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import httpx

from service.client.answers import Model, read, refusal
from service.client.calls import Call
from service.client.errors import Refused, Unreachable
from service.client.retries import Attempts, Retries, sleep_async

REQUEST_TIMEOUT = httpx.Timeout(30.0, connect=10.0, write=120.0, pool=None)
"""Of each step of a call; a wait that was asked for is added when reading."""

_JSON = {"Content-Type": "application/json"}
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_GRACE_S = 1.0


class AsyncConnection:
    """A pool of connections to one service, with retries and one tree of errors."""

    def __init__(
        self, url: str, headers: dict[str, str], timeout: httpx.Timeout, retries: Retries
    ) -> None:
        self.retries = retries
        self._timeout = timeout
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout)

    @property
    def address(self) -> str:
        """Where the service is, without user and password."""
        return str(self._http.base_url.copy_with(userinfo=b""))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(self, call: Call) -> httpx.Response:
        """The whole answer to a call; only successes and 304 are returned.

        Raises:
            Refused: The service answered with a problem.
            Unreachable: It did not answer, or makes no sense.
        """
        return await self._answer(call, is_stream=False)

    async def fetch(self, model: type[Model], call: Call) -> Model:
        """The document a call is answered with. Raises as `send` does."""
        return read(model, (await self.send(call)).content)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """A successful answer whose body has not been read. Raises as `send` does."""
        answer = await self._answer(call, is_stream=True)
        try:
            yield answer
        except httpx.TransportError as exc:
            raise self._unreachable(exc) from exc
        finally:
            await answer.aclose()

    def attempts(self, call: Call) -> Attempts:
        """A fresh count of the attempts at a call."""
        return Attempts(self.retries, call.may_repeat, call.remaining_s)

    async def _answer(self, call: Call, *, is_stream: bool) -> httpx.Response:
        attempts = self.attempts(call)
        while True:
            try:
                return await self._attempt(call, is_stream=is_stream)
            except httpx.RequestError as exc:
                was_sent = not isinstance(exc, _NEVER_SENT)
                pause_s = attempts.pause_after_loss(self._unreachable(exc), was_sent=was_sent)
            except Unreachable as exc:
                if not exc.is_passing:
                    raise
                pause_s = attempts.pause_after_loss(exc, was_sent=True)
            except Refused as exc:
                if not (call.may_repeat and call.waits_for_readiness):
                    raise
                pause_s = attempts.pause_after_refusal(exc)
            await sleep_async(pause_s)

    async def _attempt(self, call: Call, *, is_stream: bool) -> httpx.Response:
        with ExitStack() as files:
            answer = await self._http.send(self._request(call, files), stream=is_stream)
        if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
            return answer
        await answer.aread()
        await answer.aclose()
        raise refusal(answer)

    def _request(self, call: Call, files: ExitStack) -> httpx.Request:
        form, clips, content, headers = None, None, None, dict(call.headers)
        if call.upload is not None:
            file = files.enter_context(call.upload.clip.open("rb"))
            form, clips = call.upload.form, {"file": (call.upload.file_name, file)}
        if call.document is not None:
            content = call.document.model_dump_json(exclude_unset=True).encode()
            headers |= _JSON
        return self._http.build_request(
            call.method,
            call.path,
            params=call.params,
            headers=headers,
            data=form,
            files=clips,
            content=content,
            timeout=self._timeout_of(call),
        )

    def _timeout_of(self, call: Call) -> httpx.Timeout:
        read_s = None if self._timeout.read is None else self._timeout.read + call.wait_s
        if call.deadline is not None:
            left_s = max(0.0, call.deadline - time.monotonic()) + _GRACE_S
            read_s = left_s if read_s is None else min(read_s, left_s)
        return httpx.Timeout(
            connect=self._timeout.connect,
            read=read_s,
            write=self._timeout.write,
            pool=self._timeout.pool,
        )

    def _unreachable(self, error: httpx.RequestError) -> Unreachable:
        return Unreachable(f"{self.address}: {type(error).__name__}: {error}".rstrip(": "))
