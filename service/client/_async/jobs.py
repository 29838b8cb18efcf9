"""Calls about single clips."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from httpx_sse import EventSource

from service.client._async.connection import AsyncConnection
from service.client.answers import PENDING, RECEIPT, JobEvent, event_of, read
from service.client.calls import Call, Upload, known, path_to
from service.client.errors import Unreachable, WaitTimeout
from service.client.retries import sleep_async
from service.client.waiting import DRAWING_S, STREAM_WAIT_S, Polling, Resuming, succeeded
from service.schemas import Deliveries, Delivery, Job, JobPage, RecognizeOptions
from worker.contract import AnalysisReport, JobState

WAIT_TIMEOUT_S = 600.0
_PAGE = "100"


class AsyncJobCalls:
    """Clips, their jobs and their results."""

    _connection: AsyncConnection

    async def submit(
        self,
        clip: str | os.PathLike[str],
        options: RecognizeOptions | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Job:
        """Upload a clip from disk; its job is queued when this returns.

        Sent again after a lost connection it still makes one job: every call has its own
        `idempotency_key`, unless told.

        Raises:
            OSError: The clip cannot be read.
        """
        chosen = options or RecognizeOptions()
        form = {"options": chosen.model_dump_json(exclude_unset=True)}
        call = Call(
            "POST",
            path_to("recognize"),
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            upload=Upload(Path(clip), form),
        )
        return await self._connection.fetch(Job, call)

    async def recognize(
        self,
        clip: str | os.PathLike[str],
        options: RecognizeOptions | None = None,
        timeout_s: float = WAIT_TIMEOUT_S,
        on_update: Callable[[Job], None] | None = None,
    ) -> AnalysisReport:
        """Upload a clip, wait for its job, fetch its result. Raises JobFailed, WaitTimeout.

        `timeout_s` counts from the end of the upload.
        """
        job = await self.submit(clip, options)
        await self.wait(job.id, timeout_s, on_update)
        return await self.result(job.id)

    async def job(self, job_id: str) -> Job:
        """The job as it is now."""
        return await self._connection.fetch(Job, Call("GET", path_to("jobs", job_id)))

    async def wait(
        self,
        job_id: str,
        timeout_s: float = WAIT_TIMEOUT_S,
        on_update: Callable[[Job], None] | None = None,
    ) -> Job:
        """The job once it has succeeded. Raises JobFailed, WaitTimeout.

        `on_update` is told whenever the job has come further.
        """
        polling = Polling(job_id, timeout_s, wants_news=on_update is not None)
        while (call := polling.next_call()) is not None:
            try:
                answer = await self._connection.send(call)
            except Unreachable as exc:
                if polling.is_over:
                    raise WaitTimeout(job_id, polling.last, timeout_s) from exc
                raise
            if (job := polling.take(answer)) is not None:
                if on_update is not None:
                    on_update(job)
                if job.status not in PENDING:
                    return succeeded(job)
            await sleep_async(polling.pause_s())
        raise WaitTimeout(job_id, polling.last, timeout_s)

    async def events(self, job_id: str, after: str | None = None) -> AsyncIterator[JobEvent]:
        """What happens to a job, as it happens, until it has ended.

        A broken stream is resumed where it broke off; so is an earlier one, by the id of its last
        event.
        """
        call = Call("GET", path_to("jobs", job_id, "events"), wait_s=STREAM_WAIT_S)
        reading = Resuming(self._connection.attempts(call))
        while not reading.is_exhausted:
            reading.begin()
            try:
                async for event in self._events_after(call, after):
                    reading.progressed()
                    after = event.id or after
                    yield event
                    if event.is_last:
                        return
            except Unreachable as exc:
                await sleep_async(reading.pause_after(exc))
            else:
                await sleep_async(reading.pause_s())
                reading.finish(has_ended=(await self.job(job_id)).status not in PENDING)

    async def _events_after(self, call: Call, after: str | None) -> AsyncIterator[JobEvent]:
        headers = {"Accept": "text/event-stream", **known({"Last-Event-ID": after})}
        async with self._connection.stream(replace(call, headers=headers)) as answer:
            async for received in EventSource(answer).aiter_sse():
                if event := event_of(received):
                    yield event

    async def result(self, job_id: str) -> AnalysisReport:
        """The result of a job that has succeeded."""
        return read(AnalysisReport, await self._result(job_id, "application/json"))

    async def result_csv(self, job_id: str) -> str:
        """The AU trace as CSV with the column names of OpenFace."""
        return (await self._result(job_id, "text/csv")).decode()

    async def result_parquet(self, job_id: str) -> bytes:
        """The same table as a Parquet file."""
        return await self._result(job_id, "application/vnd.apache.parquet")

    async def plot(self, job_id: str) -> bytes:
        """The result drawn, as PNG."""
        return await self._result(job_id, "image/png")

    async def cancel(self, job_id: str) -> Job:
        """Stop a job, waiting or running; one that has ended stays as it is."""
        call = Call("POST", path_to("jobs", job_id, "cancel"))
        return await self._connection.fetch(Job, call)

    async def delete(self, job_id: str) -> str | None:
        """Erase a job, its clip and its result; the id answers 410 from then on.

        Returns the signed receipt; None where a worker is being stopped first: delete again then.
        """
        answer = await self._connection.send(Call("DELETE", path_to("jobs", job_id)))
        receipt: str | None = answer.headers.get(RECEIPT)
        return receipt

    async def jobs(
        self,
        *,
        status: JobState | None = None,
        tag: str | None = None,
        created_after: datetime | None = None,
    ) -> AsyncIterator[Job]:
        """All your jobs, newest first, fetched page by page."""
        asked = {
            "status": status,
            "tag": tag,
            "created_after": created_after.isoformat() if created_after else None,
            "limit": _PAGE,
        }
        cursor: str | None = None
        while True:
            call = Call("GET", path_to("jobs"), params=known({**asked, "cursor": cursor}))
            page = await self._connection.fetch(JobPage, call)
            for job in page.data:
                yield job
            cursor = page.next_cursor
            if cursor is None:
                return

    async def deliveries(self, job_id: str) -> list[Delivery]:
        """The log of a job's webhook."""
        call = Call("GET", path_to("jobs", job_id, "deliveries"))
        found = await self._connection.fetch(Deliveries, call)
        return found.data

    async def redeliver(self, job_id: str, delivery_id: str) -> Delivery:
        """Send a job's webhook once more."""
        path = path_to("jobs", job_id, "deliveries", delivery_id, "redeliver")
        call = Call("POST", path, may_repeat=False)
        return await self._connection.fetch(Delivery, call)

    async def _result(self, job_id: str, media_type: str) -> bytes:
        call = Call(
            "GET",
            path_to("jobs", job_id, "result"),
            headers={"Accept": media_type},
            wait_s=DRAWING_S,
        )
        return (await self._connection.send(call)).content
