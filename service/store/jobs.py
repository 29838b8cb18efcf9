"""Jobs in Redis: submitted, read, settled and erased, each as one step."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from fastapi.concurrency import run_in_threadpool
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.client import Pipeline
from redis.typing import EncodableT
from rq.job import JobStatus

from service.queue import ClipQueue, QueueEntry
from service.schemas import StatusEvent
from service.state import JobRecord, Settlement, Standing, canceled, state_of, verdict
from service.store import names, scripts
from service.store.reader import TOMBSTONES, Deleted, JobReader, standing_of
from service.store.text import text
from service.store.together import Scripts
from worker.contract import (
    CHANGES_CHANNEL,
    EventKind,
    JobState,
    events_key,
    job_key,
)

UPLOAD_GIVEN_UP_S = 3600
"""An upload that has not become a job by then is taken for broken off."""
_HELD_RECHECK_S = 2


class ClaimConflict(Exception):
    """An idempotency key stands for another payload."""


class BatchGone(Exception):
    """A job's batch was forgotten while its clip arrived."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A job that stands in a new one's way: by the same claim, or with the same clip's result."""

    job_id: str
    is_claimant: bool


class JobStore:
    """Jobs by id. A deleted or expired job leaves a tombstone, so that its id answers 410."""

    def __init__(
        self,
        redis: AsyncRedis,
        rq_redis: Redis,
        queue: ClipQueue,
        *,
        tombstone_s: int,
        claim_s: int,
        max_queued: int,
    ) -> None:
        self._redis = redis
        self._rq_redis = rq_redis
        self._queue = queue
        self._tombstone_s = tombstone_s
        self._claim_s = claim_s
        self._max_queued = max_queued
        together = Scripts(redis)
        self._reserve = together.register(scripts.RESERVE)
        self._submit = together.register(scripts.SUBMIT)
        self._settle = together.register(scripts.SETTLE)
        self.reader = JobReader(redis, queue)

    async def ping(self) -> None:
        """Raise one of `OUTAGES` unless Redis answers."""
        await self._redis.ping()

    async def reserve(
        self, job_id: str, key_id: str, most: int | None, now: datetime
    ) -> Literal["ok", "jobs", "queue"]:
        """Take one of the `most` places of an API key for a job about to be uploaded.

        Announced like this, its blobs are found by the janitor whatever happens. Answers which
        limit is reached: the key's `jobs` or the whole `queue`.
        """
        answer = await self._reserve(
            keys=[names.active_key(key_id), names.RESERVATIONS, self._queue.list_key],
            args=[
                job_id,
                f"{job_id}:{key_id}",
                -1 if most is None else most,
                now.timestamp() + UPLOAD_GIVEN_UP_S,
                self._max_queued,
            ],
        )
        return cast('Literal["ok", "jobs", "queue"]', cast("bytes", answer).decode())

    async def release(self, job_id: str, key_id: str) -> None:
        """Take a reservation back: the upload became no job."""
        async with self._redis.pipeline() as pipe:
            pipe.srem(names.active_key(key_id), job_id)
            pipe.zrem(names.RESERVATIONS, f"{job_id}:{key_id}")
            await pipe.execute()

    async def submit(
        self,
        record: JobRecord,
        claims: Mapping[str, str],
        *,
        twin_digest: str | None = None,
        is_queued: bool = True,
    ) -> Standing | Earlier:
        """Remember a job and queue it, both or neither, in one step.

        Args:
            record: The job; its place is reserved.
            claims: Redis keys of idempotency claims and the fingerprint of what was sent.
            twin_digest: A model; where an earlier job holds its result for the same clip, nothing
                is done.
            is_queued: Whether it needs a worker.

        Returns:
            The job as it stands, or the earlier job that was found instead.

        Raises:
            ClaimConflict: A claim stands for another fingerprint.
            BatchGone: The batch has been forgotten.
        """
        commands = self._commands(record, claims, is_queued=is_queued)
        twin = "" if twin_digest is None else twin_key(record, twin_digest)
        batch = names.batch_key(record.options.batch_id) if record.options.batch_id else ""
        standing = (self._queue.list_key, names.PACE, self._queue.workers_key)
        answer = await self._submit(
            keys=[*standing, twin, batch, *claims],
            args=[word for command in commands for word in (len(command), *command)],
        )
        match cast("list[bytes]", answer):
            case [b"no batch"]:
                raise BatchGone(batch)
            case [b"claimed", claim]:
                return Earlier(_claimant(text(claim), claims), is_claimant=True)
            case [b"twin", job_id]:
                return Earlier(text(job_id), is_claimant=False)
            case [_, position, pace, workers] if is_queued:
                return _just_queued(record, int(position), pace, int(workers))
        return Standing(record, None)

    def _commands(
        self, record: JobRecord, claims: Mapping[str, str], *, is_queued: bool
    ) -> list[tuple[EncodableT, ...]]:
        """What is to be done in Redis, as RQ and we would do it ourselves."""
        pipe = self._rq_redis.pipeline()  # notes commands and never sends them
        if is_queued:
            self._queue.enqueue(record.payload(), pipe)
        else:
            pipe.multi()
        self._remember(pipe, record, claims)
        return [command for command, _ in pipe.command_stack]

    def _remember(self, pipe: Pipeline, record: JobRecord, claims: Mapping[str, str]) -> None:
        job_id, options = record.id, record.options
        forgotten_at = int(_latest(record).timestamp()) + self._tombstone_s
        fields: dict[EncodableT, EncodableT] = {
            "record": record.model_dump_json(),
            "key_id": record.key_id,
            "batch_id": options.batch_id or "",
            "ref": options.client_ref or "",
            "hook": int(options.webhook_url is not None),
        }
        pipe.hset(job_key(job_id), mapping=fields)
        pipe.expireat(job_key(job_id), forgotten_at)
        pipe.zrem(names.RESERVATIONS, f"{job_id}:{record.key_id}")
        pipe.zadd(names.DEADLINES, {job_id: record.deadline_at.timestamp()})
        for index in indexes(record):
            pipe.zadd(index, {job_id: record.created_at.timestamp()})
            pipe.expireat(index, forgotten_at)
        for key, fingerprint in claims.items():
            pipe.set(key, f"{fingerprint} {job_id}", ex=self._claim_s)
        if options.batch_id and options.client_ref:
            batch = names.batch_key(options.batch_id)
            pipe.hset(f"{batch}:items", options.client_ref, job_id)
            pipe.sadd(f"{batch}:open", job_id)
            pipe.hincrby(batch, "awaiting", -1)
        event: dict[EncodableT, EncodableT] = {
            "kind": EventKind.STATUS,
            "data": _status(job_id, JobState.QUEUED),
        }
        pipe.xadd(events_key(job_id), event)
        pipe.expireat(events_key(job_id), forgotten_at)

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
        job_id = record.id
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
                settlement.model_dump_json(),
                settlement.state,
                _status(job_id, settlement.state),
                settlement.finished_at.timestamp(),
                int(settlement.expires_at.timestamp()),
                int(settlement.expires_at.timestamp()) + self._tombstone_s,
                _seconds_taken(settlement) if is_measured else "",
                twin_key(record, settlement.model_digest) if is_success else "",
                CHANGES_CHANNEL,
            ],
        )
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
            pipe.delete(twin_key(record, model_digest))
            for index in (names.EXPIRY, names.DEADLINES, *indexes(record)):
                pipe.zrem(index, job_id)
            await pipe.execute()

    async def has_result(self, job_id: str, now: datetime) -> bool:
        """Whether a job has succeeded and its result is still kept."""
        found = await self.find(job_id, now)
        return isinstance(found, Standing) and state_of(found, now) is JobState.SUCCEEDED


_ENDED = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED})


def new_job_id() -> str:
    """An id nobody can guess."""
    return f"job_{secrets.token_hex(16)}"


def utc_now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)


def twin_key(record: JobRecord, model_digest: str | None) -> str:
    """Redis key that leads from a clip, its treatment and a model to a job with the result."""
    options = record.options
    treatment = f"{options.recognizer}:{options.mode}:{options.fps or ''}"
    return f"madv:twin:{record.tenant}:{record.clip.sha256}:{treatment}:{model_digest}"


def indexes(record: JobRecord) -> list[str]:
    """Redis keys of the lists a job stands in: its tenant's, and one for each of its tags."""
    tenant, tags = record.tenant, sorted(set(record.options.tags))
    return [names.jobs_key(tenant), *(names.jobs_key(tenant, tag) for tag in tags)]


def _claimant(found: str, claims: Mapping[str, str]) -> str:
    """The job a claim stands for already; all claims of one upload have one fingerprint."""
    fingerprint, _, job_id = found.partition(" ")
    if fingerprint not in claims.values():
        raise ClaimConflict(job_id)
    return job_id


def _just_queued(record: JobRecord, position: int, pace: bytes | None, workers: int) -> Standing:
    return Standing(
        record,
        None,
        QueueEntry(JobStatus.QUEUED),
        position=position,
        pace_s=None if pace is None else float(pace),
        workers=workers,
    )


def _seconds_taken(settlement: Settlement) -> float:
    started_at = settlement.started_at or settlement.finished_at
    return (settlement.finished_at - started_at).total_seconds()


def _latest(record: JobRecord) -> datetime:
    """When the job expires at the latest."""
    return record.deadline_at + timedelta(seconds=record.ttl_s)


def _status(job_id: str, state: JobState) -> str:
    return StatusEvent(id=job_id, status=state).model_dump_json()


def _tombstone_key(job_id: str) -> str:
    return f"{TOMBSTONES}{job_id}"
