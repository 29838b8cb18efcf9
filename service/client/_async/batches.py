"""Calls about many clips followed as one."""

from collections.abc import AsyncIterator
from dataclasses import replace

from service.client._async.connection import AsyncConnection
from service.client.answers import LineBuffer, read
from service.client.calls import Call, known, path_to
from service.client.errors import Unreachable
from service.client.retries import sleep_async
from service.client.waiting import LONG_POLL_S, Resuming
from service.schemas import (
    Batch,
    BatchItem,
    BatchItemPage,
    BatchRequest,
    BatchResult,
    BatchStatus,
)

_PAGE = "1000"


class AsyncBatchCalls:
    """Batches, their items and their results."""

    _connection: AsyncConnection

    async def create_batch(self, request: BatchRequest) -> Batch:
        """Announce clips; each is uploaded by `submit` with `batch_id` and its `client_ref`."""
        call = Call("POST", path_to("batches"), document=request, may_repeat=False)
        return await self._connection.fetch(Batch, call)

    async def batch(self, batch_id: str) -> Batch:
        """The batch as it is now."""
        return await self._connection.fetch(Batch, Call("GET", path_to("batches", batch_id)))

    async def batch_items(self, batch_id: str) -> AsyncIterator[BatchItem]:
        """All items in the order of the manifest, fetched page by page."""
        path, cursor = path_to("batches", batch_id, "items"), None
        while True:
            call = Call("GET", path, params=known({"limit": _PAGE, "cursor": cursor}))
            page = await self._connection.fetch(BatchItemPage, call)
            for item in page.data:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def batch_results(
        self, batch_id: str, *, follow: bool = True, cursor: str | None = None
    ) -> AsyncIterator[BatchResult]:
        """Results in the order in which jobs ended.

        With `follow` until the batch has ended, else those there are. The `cursor` of a result
        resumes after it; a broken stream is resumed by itself.
        """
        call = Call("GET", path_to("batches", batch_id, "results"))
        reading = Resuming(self._connection.attempts(call), had_ended=not follow)
        while not reading.is_exhausted:
            reading.begin()
            try:
                async for result in self._results_after(call, cursor, follow=not reading.had_ended):
                    reading.progressed()
                    cursor = result.cursor
                    yield result
            except Unreachable as exc:
                await sleep_async(reading.pause_after(exc))
                continue
            await sleep_async(reading.pause_s())
            has_ended = (
                reading.had_ended or (await self.batch(batch_id)).status is not BatchStatus.OPEN
            )
            reading.finish(has_ended=has_ended)

    async def cancel_batch(self, batch_id: str) -> Batch:
        """Stop all its jobs and take no more clips."""
        call = Call("POST", path_to("batches", batch_id, "cancel"))
        return await self._connection.fetch(Batch, call)

    async def _results_after(
        self, call: Call, cursor: str | None, *, follow: bool
    ) -> AsyncIterator[BatchResult]:
        wait_s = LONG_POLL_S if follow else 0
        params = known({"cursor": cursor, "wait": str(wait_s) if wait_s else None})
        asked = replace(call, params=params, wait_s=wait_s)
        async with self._connection.stream(asked) as answer:
            lines = LineBuffer()
            async for chunk in answer.aiter_bytes():
                for line in lines.feed(chunk):
                    yield read(BatchResult, line)
