"""Job records in Redis, and the one mapping from queue and record to the state a caller sees."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from pydantic import BaseModel, ConfigDict
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.job import JobStatus

from service.queue import ClipQueue, QueueEntry
from service.schemas import ClipReceipt, Job, JobLinks, JobOptions, JobProgress, RecognizeOptions
from worker.contract import (
    ErrorCode,
    Failure,
    JobPayload,
    JobState,
    Progress,
    clip_key,
    result_key,
)

OUTAGES: tuple[type[Exception], ...] = (
    RedisConnectionError,
    RedisTimeoutError,
    OutOfMemoryError,
)
"""What an unreachable or full Redis raises."""

_EXPIRY_INDEX = "madv:jobs:expiry"
_LOST = Failure(code=ErrorCode.INTERNAL, detail="The analysis failed on our side.", retryable=True)

_STATES: Mapping[JobStatus, JobState] = {
    JobStatus.STARTED: JobState.PROCESSING,
    JobStatus.FAILED: JobState.FAILED,
    JobStatus.STOPPED: JobState.CANCELED,
    JobStatus.CANCELED: JobState.CANCELED,
}
"""The rest means waiting, in one form or another; `finished` depends on the outcome."""


class JobRecord(BaseModel):
    """What the gateway itself remembers about a job."""

    model_config = ConfigDict(frozen=True)

    id: str
    created_at: datetime
    expires_at: datetime
    clip: ClipReceipt
    options: RecognizeOptions

    def payload(self) -> JobPayload:
        """What the worker is told."""
        return JobPayload(
            job_id=self.id,
            clip_key=clip_key(self.id),
            result_key=result_key(self.id),
            sha256=self.clip.sha256,
            recognizer=self.options.recognizer,
            store_input=self.options.store_input,
        )


def new_job_id() -> str:
    """An id nobody can guess: it is also what protects the result."""
    return f"job_{secrets.token_hex(16)}"


def connect(url: str, timeout_s: float) -> Redis:
    """A pooled client; connects on first use."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=30,
    )


class JobStore:
    """Jobs by id. Records outlive their expiry as tombstones, so that old ids answer 410."""

    def __init__(self, connection: Redis, queue: ClipQueue, *, tombstone_s: int) -> None:
        self._connection = connection
        self._queue = queue
        self._tombstone = timedelta(seconds=tombstone_s)

    def ping(self) -> None:
        """Raise one of `OUTAGES` unless Redis answers."""
        self._connection.ping()

    def reserve(self, job_id: str, expires_at: datetime) -> None:
        """Announce blobs about to be written, so that the sweeper finds them whatever happens."""
        self._connection.zadd(_EXPIRY_INDEX, {job_id: expires_at.timestamp()})

    def submit(self, record: JobRecord) -> None:
        """Remember a job and queue it, both or neither."""
        forgotten_at = record.expires_at + self._tombstone
        keep_s = int((forgotten_at - record.created_at).total_seconds())
        pipeline = self._connection.pipeline(transaction=True)
        # First, because RQ opens the transaction itself.
        self._queue.enqueue(record.payload(), keep_s=keep_s, pipeline=pipeline)
        pipeline.set(_key(record.id), record.model_dump_json(), exat=forgotten_at)
        pipeline.execute()

    def find(self, job_id: str, now: datetime) -> Job | None:
        """The job as a caller sees it, or None where the id is unknown."""
        stored = self._connection.get(_key(job_id))
        if stored is None:
            return None
        record = JobRecord.model_validate_json(stored)
        return describe(record, self._queue.entry(job_id), now)

    def erasable(self, now: datetime, *, grace_s: int, limit: int) -> list[str]:
        """Ids of expired jobs whose blobs still have to be erased, oldest first.

        Jobs a worker holds are left for later, at most `grace_s`: it could write a result after
        its blobs were erased.
        """
        found = cast(
            "list[tuple[bytes, float]]",
            self._connection.zrange(
                _EXPIRY_INDEX,
                "-inf",
                now.timestamp(),
                byscore=True,
                offset=0,
                num=limit,
                withscores=True,
            ),
        )
        settled_before = now.timestamp() - grace_s
        return [
            job_id.decode()
            for job_id, expired_at in found
            if expired_at < settled_before or not self._queue.is_running(job_id.decode())
        ]

    def forget(self, job_id: str) -> None:
        """Erase a job's queue data and mark its blobs as erased; its tombstone stays."""
        self._queue.remove(job_id)
        self._connection.zrem(_EXPIRY_INDEX, job_id)


def describe(record: JobRecord, entry: QueueEntry | None, now: datetime) -> Job:
    """What a caller sees of a job."""
    state = _state(record, entry, now)
    return Job(
        id=record.id,
        status=state,
        created_at=record.created_at,
        started_at=entry.started_at if entry else None,
        finished_at=entry.ended_at if entry else None,
        expires_at=record.expires_at,
        progress=_progress(state, entry, now),
        error=_failure(state, entry),
        links=JobLinks(self=f"/v1/jobs/{record.id}", result=f"/v1/jobs/{record.id}/result"),
        clip=record.clip,
        options=JobOptions.model_validate(
            record.options.model_dump(include=set(JobOptions.model_fields))
        ),
        client_ref=record.options.client_ref,
        tags=record.options.tags,
    )


def _state(record: JobRecord, entry: QueueEntry | None, now: datetime) -> JobState:
    """RQ's status, corrected by our clock and by what the worker returned."""
    if now >= record.expires_at:
        return JobState.EXPIRED
    if entry is None:
        return JobState.FAILED
    if entry.status is JobStatus.FINISHED:
        return entry.outcome.state if entry.outcome else JobState.FAILED
    return _STATES.get(entry.status, JobState.QUEUED)


def _failure(state: JobState, entry: QueueEntry | None) -> Failure | None:
    if state is not JobState.FAILED:
        return None
    if entry is None or entry.outcome is None:
        return _LOST
    return entry.outcome.failure or _LOST


def _progress(state: JobState, entry: QueueEntry | None, now: datetime) -> JobProgress:
    written = entry.progress if entry else None
    is_running = state is JobState.PROCESSING
    return JobProgress(
        stage=written.stage if written and is_running else state,
        frames_done=written.frames_done if written else None,
        frames_total=written.frames_total if written else None,
        queue_position=entry.position if entry and state is JobState.QUEUED else None,
        eta_s=_eta_s(entry.started_at, written, now) if entry and is_running else None,
    )


def _eta_s(started_at: datetime | None, done: Progress | None, now: datetime) -> float | None:
    """Seconds left if the rest goes as fast as what is done."""
    if started_at is None or done is None or not done.frames_done or not done.frames_total:
        return None
    elapsed_s = (now - started_at).total_seconds()
    left = max(0, done.frames_total - done.frames_done)
    return round(max(0.0, elapsed_s) * left / done.frames_done, 1)


def _key(job_id: str) -> str:
    return f"madv:job:{job_id}"


def utc_now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)
