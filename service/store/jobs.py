"""Jobs in Redis: read, settled and erased, each as one step."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from fastapi.concurrency import run_in_threadpool
from redis.asyncio import Redis
from rq.job import JobStatus

from service.queue import ClipQueue
from service.state import JobRecord, Settlement, Standing, canceled, state_of, verdict
from service.store import names
from service.store.events import status_event
from service.store.reader import TOMBSTONES, Deleted, JobReader, standing_of
from service.store.scripts import SETTLE
from service.store.together import Scripts
from worker.contract import CHANGES_CHANNEL, JobState, events_key, job_key

_HELD_RECHECK_S = 2


class JobStore:
    """Jobs by id. A deleted or expired job leaves a tombstone, so that its id answers 410."""

    def __init__(
        self,
        redis: Redis,
        scripts: Scripts,
        queue: ClipQueue,
        *,
        tombstone_s: int,
        on_end: Callable[[Settlement], None],
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._tombstone_s = tombstone_s
        self._on_end = on_end
        self._settle = scripts.register(SETTLE)
        self.reader = JobReader(redis, queue)

    async def ping(self) -> None:
        """Raise one of `OUTAGES` unless Redis answers."""
        await self._redis.ping()

    async def find(self, job_id: str, now: datetime) -> Standing | Deleted | None:
        """A job, settled first where it has ended; what is left of it; or None if unknown."""
        found = standing_of(await self.reader.read(job_id))
        if not isinstance(found, Standing) or found.settled is not None:
            return found
        record, entry = found.record, found.entry
        is_ended = entry is None or entry.status in _ENDED or now >= record.deadline_at
        if is_ended and (settled := await self.settle_if_ended(record, now)):
            return Standing(record, settled)
        return found

    async def settle_if_ended(self, record: JobRecord, now: datetime) -> Settlement | None:
        """Settle a job where RQ or the clock says that it has ended; how, or None."""
        entry = await run_in_threadpool(self._queue.entry, record.id)
        decided = verdict(record, entry, now)
        return None if decided is None else await self.settle(record, decided)

    async def settle(self, record: JobRecord, settlement: Settlement) -> Settlement | None:
        """End a job. The first end wins and is what is answered; None where the job is gone.

        In the same step its end is announced: to those who follow it, to its batch, to its
        webhook, to its key's quota, and to later clips with the same bytes.
        """
        job_id, written = record.id, settlement.model_dump_json()
        is_success = settlement.state is JobState.SUCCEEDED
        is_measured = is_success and settlement.started_at is not None
        answer = await self._settle(
            keys=[
                job_key(job_id),
                events_key(job_id),
                names.DEADLINES,
                names.EXPIRY,
                names.WEBHOOKS_DUE,
                names.PACE,
            ],
            args=[
                job_id,
                written,
                settlement.state,
                status_event(job_id, settlement.state),
                settlement.finished_at.timestamp(),
                int(settlement.expires_at.timestamp()),
                int(settlement.expires_at.timestamp()) + self._tombstone_s,
                _seconds_taken(settlement) if is_measured else "",
                names.twin_key(record, settlement.model_digest) if is_success else "",
                CHANGES_CHANNEL,
            ],
        )
        if answer == written.encode():
            self._on_end(settlement)
        return None if answer is None else Settlement.model_validate_json(cast("bytes", answer))

    async def cancel(self, standing: Standing, now: datetime) -> Settlement | None:
        """End a job as canceled unless it has ended otherwise; how it ended."""
        record = standing.record
        if standing.settled is not None:
            return standing.settled
        settled = await self.settle(record, canceled(record, standing.entry, now))
        if settled is None or settled.state is not JobState.SUCCEEDED:
            await self.let_go(record.id, now)
        return settled

    async def let_go(self, job_id: str, now: datetime) -> None:
        """Take a job nobody wants from the queue, or from the worker that holds it.

        A worker may die meanwhile, or be about to take the job: the janitor looks again.
        """
        look_again_at = now.timestamp() + _HELD_RECHECK_S
        await self._redis.zadd(names.ERASURES, {job_id: look_again_at})
        await run_in_threadpool(self._let_go, job_id)

    def _let_go(self, job_id: str) -> None:
        if self._queue.is_held(job_id):
            self._queue.stop(job_id)
        else:
            self._queue.remove(job_id)

    async def forget(self, standing: Standing) -> None:
        """Erase all of an ended job but its tombstone. Its blobs are somebody else's business."""
        record, settled = standing.record, standing.settled
        job_id = record.id
        model_digest = settled.model_digest if settled else None
        async with self._redis.pipeline() as pipe:
            pipe.set(_tombstone_key(job_id), record.tenant, ex=self._tombstone_s)
            pipe.delete(job_key(job_id), events_key(job_id), *record.claims)
            pipe.delete(names.twin_key(record, model_digest))
            for index in (names.EXPIRY, names.DEADLINES, *names.indexes(record)):
                pipe.zrem(index, job_id)
            await pipe.execute()

    async def has_result(self, job_id: str, now: datetime) -> bool:
        """Whether a job has succeeded and its result is still kept."""
        found = await self.find(job_id, now)
        return isinstance(found, Standing) and state_of(found, now) is JobState.SUCCEEDED


_ENDED = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED})


def utc_now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)


def _seconds_taken(settlement: Settlement) -> float:
    started_at = settlement.started_at or settlement.finished_at
    return (settlement.finished_at - started_at).total_seconds()


def _tombstone_key(job_id: str) -> str:
    return f"{TOMBSTONES}{job_id}"
