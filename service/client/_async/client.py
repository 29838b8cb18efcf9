"""The client: everything the service offers, as methods."""

from types import TracebackType
from typing import Self

import httpx

from service.client._async.batches import AsyncBatchCalls
from service.client._async.connection import REQUEST_TIMEOUT, AsyncConnection
from service.client._async.jobs import AsyncJobCalls
from service.client.address import authorization, settled_url
from service.client.calls import Call, path_to
from service.client.retries import DEFAULT_RETRIES, Retries
from service.schemas import Limits, Models, Readiness
from worker.contract import ModelCard


class AsyncMadvClient(AsyncJobCalls, AsyncBatchCalls):
    """A connection to one service; a context manager.

    `url` and `api_key` default to `MADV_URL` and `MADV_API_KEY`. Every call raises `Refused` where
    the service answers with a problem and `Unreachable` where it does not answer; lost connections,
    429 and 503 are tried again within `retries`.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: httpx.Timeout = REQUEST_TIMEOUT,
        retries: Retries = DEFAULT_RETRIES,
    ) -> None:
        self._connection = AsyncConnection(
            settled_url(url), authorization(api_key), timeout, retries
        )

    @property
    def url(self) -> str:
        """Where the service is, without user and password."""
        return self._connection.address

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def models(self) -> list[ModelCard]:
        """The recognizers that can be chosen."""
        found = await self._connection.fetch(Models, Call("GET", path_to("models")))
        return found.data

    async def limits(self) -> Limits:
        """What a clip, a request and this key may ask for."""
        return await self._connection.fetch(Limits, Call("GET", path_to("limits")))

    async def ready(self) -> Readiness:
        """The parts of the service. Raises Refused where one does not work."""
        call = Call("GET", path_to("health", "ready"), waits_for_readiness=False)
        return await self._connection.fetch(Readiness, call)
