# Generated from _async/batches.py by `make client`: change that file, not this one.
"""Calls about many clips followed as one."""

from collections.abc import Iterator
from dataclasses import replace

from service.client._sync.connection import Connection
from service.client.answers import LineBuffer, read
from service.client.calls import Call, known, path_to
from service.client.errors import Unreachable
from service.client.retries import sleep
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


class BatchCalls:
    """Batches, their items and their results."""

    _connection: Connection

    def create_batch(self, request: BatchRequest) -> Batch:
        """Announce clips; each is uploaded by `submit` with `batch_id` and its `client_ref`."""
        call = Call("POST", path_to("batches"), document=request, may_repeat=False)
        return self._connection.fetch(Batch, call)

    def batch(self, batch_id: str) -> Batch:
        """The batch as it is now."""
        return self._connection.fetch(Batch, Call("GET", path_to("batches", batch_id)))

    def batch_items(self, batch_id: str) -> Iterator[BatchItem]:
        """All items in the order of the manifest, fetched page by page."""
        path, cursor = path_to("batches", batch_id, "items"), None
        while True:
            call = Call("GET", path, params=known({"limit": _PAGE, "cursor": cursor}))
            page = self._connection.fetch(BatchItemPage, call)
            yield from page.data
            cursor = page.next_cursor
            if cursor is None:
                return

    def batch_results(
        self, batch_id: str, *, follow: bool = True, cursor: str | None = None
    ) -> Iterator[BatchResult]:
        """Results in the order in which jobs ended.

        With `follow` until the batch has ended, else those there are. The `cursor` of a result
        resumes after it; a broken stream is resumed by itself.
        """
        call = Call("GET", path_to("batches", batch_id, "results"))
        reading = Resuming(self._connection.attempts(call), had_ended=not follow)
        while not reading.is_exhausted:
            reading.begin()
            try:
                for result in self._results_after(call, cursor, follow=not reading.had_ended):
                    reading.progressed()
                    cursor = result.cursor
                    yield result
            except Unreachable as exc:
                sleep(reading.pause_after(exc))
                continue
            sleep(reading.pause_s())
            has_ended = reading.had_ended or (self.batch(batch_id)).status is not BatchStatus.OPEN
            reading.finish(has_ended=has_ended)

    def cancel_batch(self, batch_id: str) -> Batch:
        """Stop all its jobs and take no more clips."""
        call = Call("POST", path_to("batches", batch_id, "cancel"))
        return self._connection.fetch(Batch, call)

    def _results_after(
        self, call: Call, cursor: str | None, *, follow: bool
    ) -> Iterator[BatchResult]:
        wait_s = LONG_POLL_S if follow else 0
        params = known({"cursor": cursor, "wait": str(wait_s) if wait_s else None})
        asked = replace(call, params=params, wait_s=wait_s)
        with self._connection.stream(asked) as answer:
            lines = LineBuffer()
            for chunk in answer.iter_bytes():
                for line in lines.feed(chunk):
                    yield read(BatchResult, line)
