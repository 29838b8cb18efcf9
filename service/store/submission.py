"""From an upload to a job in Redis: a place reserved, then the job submitted, each as one step."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from redis import Redis
from redis.client import Pipeline
from redis.typing import EncodableT
from rq.job import JobStatus

from service.audit.chain import Action
from service.enqueuing import Command
from service.queue import ClipQueue, QueueEntry
from service.state import JobRecord, Standing
from service.store import names
from service.store.audit import act_fields
from service.store.events import status_event
from service.store.scripts import RELEASE, RESERVE, SUBMIT
from service.store.text import text
from service.store.together import Scripts
from worker.contract import EventKind, JobState, events_key, job_key

UPLOAD_MARGIN_S = 30
"""An upload that has not become a job so long after its time was up is taken for broken off."""


class ClaimConflict(Exception):
    """An idempotency key stands for another payload."""


class GivenUp(Exception):
    """An upload took so long that its place was taken back."""


class BatchGone(Exception):
    """A job's batch was forgotten while its clip arrived."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A job that stands in a new one's way: by the same claim, or with the same clip's result."""

    job_id: str
    is_claimant: bool


class Submissions:
    """The way of new jobs into Redis."""

    def __init__(  # noqa: PLR0913  # each by its name
        self,
        scripts: Scripts,
        rq_redis: Redis,
        queue: ClipQueue,
        *,
        tombstone_s: int,
        claim_s: int,
        max_queued: int,
        upload_timeout_s: float,
    ) -> None:
        self._given_up_s = upload_timeout_s + UPLOAD_MARGIN_S
        self._rq_redis = rq_redis
        self._queue = queue
        self._tombstone_s = tombstone_s
        self._claim_s = claim_s
        self._max_queued = max_queued
        self._reserve = scripts.register(RESERVE)
        self._release = scripts.register(RELEASE)
        self._submit = scripts.register(SUBMIT)

    async def reserve(
        self, job_id: str, key_id: str, most: int | None
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
                self._given_up_s,
                self._max_queued,
            ],
        )
        return cast('Literal["ok", "jobs", "queue"]', cast("bytes", answer).decode())

    async def release(self, job_id: str, key_id: str) -> bool:
        """Take a reservation back: without one an upload cannot become a job.

        False where it is a job already, though nobody may have heard of it.
        """
        keys = [names.active_key(key_id), names.RESERVATIONS, names.ERASURES]
        return await self._release(keys=keys, args=[job_id, f"{job_id}:{key_id}"]) == 1

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
            GivenUp: The place has been taken back.
        """
        commands = self._commands(record, claims, is_queued=is_queued)
        twin = "" if twin_digest is None else names.twin_key(record, twin_digest)
        batch = names.batch_key(record.options.batch_id) if record.options.batch_id else ""
        standing = (self._queue.list_key, names.PACE, self._queue.workers_key)
        answer = await self._submit(
            keys=[*standing, twin, batch, names.RESERVATIONS, *claims],
            args=[
                f"{record.id}:{record.key_id}",
                *(word for command in commands for word in (len(command), *command)),
            ],
        )
        match cast("list[bytes]", answer):
            case [b"given up"]:
                raise GivenUp(record.id)
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
    ) -> list[Command]:
        """What is to be done in Redis, as RQ and we would do it ourselves."""
        pipe = self._rq_redis.pipeline()  # notes commands and never sends them
        pipe.multi()
        self._remember(pipe, record, claims)
        ours = [command for command, _ in pipe.command_stack]
        return [*self._queue.commands(record.payload()), *ours] if is_queued else ours

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
        if record.deduplicated_from is not None:
            # It ends now and its clip goes, also where whoever makes it dies before that.
            pipe.zadd(names.ERASURES, {job_id: record.created_at.timestamp()})
        for index in names.indexes(record):
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
            "data": status_event(job_id, JobState.QUEUED),
        }
        pipe.xadd(events_key(job_id), event)
        pipe.xadd(names.AUDIT, act_fields(Action.SUBMIT, record.tenant, record.key_id, job_id))
        pipe.expireat(events_key(job_id), forgotten_at)


def new_job_id() -> str:
    """An id nobody can guess."""
    return f"job_{secrets.token_hex(16)}"


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


def _latest(record: JobRecord) -> datetime:
    """When the job expires at the latest."""
    return record.deadline_at + timedelta(seconds=record.ttl_s)
