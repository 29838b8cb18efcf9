"""The life of a job, in one place: what it is to a caller, and when it has ended.

    queued ──► processing ──► succeeded ─┐
      ▲ │          │ │                   │
      │ │          │ └──────► failed ────┼──► expired
      │ │          │             ▲       │
      └─┼─ retry ──┘             │       │
        ├─── deadline, lost ─────┘       │
        └─── cancel ──────► canceled ────┘

Queued and processing are read off RQ, retries included. An end exists only as a `Settlement`, the
first of which is written and never changes; `expired` follows from the clock. Deletion is not a
state: a deleted job is gone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict
from rq.job import JobStatus

from service.queue import QueueEntry
from service.schemas import (
    ClipReceipt,
    Job,
    JobLinks,
    JobProgress,
    RecognizeOptions,
)
from worker.contract import (
    ErrorCode,
    Failure,
    JobPayload,
    JobState,
    Progress,
    clip_key,
    result_key,
)

PENDING = frozenset({JobState.QUEUED, JobState.PROCESSING})
_LOST = Failure(code=ErrorCode.INTERNAL, detail="The analysis failed on our side.", retryable=True)


class JobRecord(BaseModel):
    """What the gateway itself remembers about a job, from its submission on."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    tenant: str
    key_id: str
    created_at: datetime
    deadline_at: datetime
    ttl_s: int
    clip: ClipReceipt
    options: RecognizeOptions
    deduplicated_from: str | None = None
    claims: list[str] = []
    """Redis keys of the idempotency claims that point here."""
    traceparent: str | None = None
    """Leads to the trace of its upload, where there is one."""

    def payload(self) -> JobPayload:
        """What the worker is told."""
        return JobPayload(
            job_id=self.id,
            clip_key=clip_key(self.id),
            result_key=result_key(self.id),
            sha256=self.clip.sha256,
            recognizer=self.options.recognizer,
            mode=self.options.mode,
            faces=self.options.faces,
            explain=self.options.explain,
            store_input=self.options.store_input,
            fps=self.options.fps,
            traceparent=self.traceparent,
        )


class Settlement(BaseModel):
    """How a job has ended."""

    model_config = ConfigDict(frozen=True)

    state: Literal[JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED]
    started_at: datetime | None
    finished_at: datetime
    expires_at: datetime
    failure: Failure | None = None
    model_digest: str | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known about a job at one moment."""

    record: JobRecord
    settled: Settlement | None
    entry: QueueEntry | None = None
    """What RQ knows."""
    position: int | None = None
    """Place in the queue, from 1."""
    pace_s: float | None = None
    """Seconds a job takes a worker, lately."""
    workers: int = 0


def state_of(standing: Standing, now: datetime) -> JobState:
    """The job's state."""
    if standing.settled is not None:
        is_over = now >= standing.settled.expires_at
        return JobState.EXPIRED if is_over else standing.settled.state
    is_started = standing.entry is not None and standing.entry.status is JobStatus.STARTED
    return JobState.PROCESSING if is_started else JobState.QUEUED


def verdict(record: JobRecord, entry: QueueEntry | None, now: datetime) -> Settlement | None:
    """How a job that is not settled has ended by now, or None where it has not."""
    if entry is None:
        # The result of a job that shares one was there before the job was.
        is_shared = record.deduplicated_from is not None
        return shared(record, None, now) if is_shared else ended(record, None, now, _LOST)
    match entry.status:
        case JobStatus.FINISHED if entry.outcome is not None:
            return _of_outcome(record, entry, now)
        case JobStatus.FINISHED | JobStatus.FAILED:
            return ended(record, entry, now, _LOST)
        case JobStatus.STOPPED | JobStatus.CANCELED:
            return canceled(record, entry, now)
    if now >= record.deadline_at:
        return ended(record, entry, now, _overdue(record))
    return None


def canceled(record: JobRecord, entry: QueueEntry | None, now: datetime) -> Settlement:
    """The end of a job nobody wants any more."""
    return _settlement(record, entry, now, JobState.CANCELED)


def shared(record: JobRecord, model_digest: str | None, now: datetime) -> Settlement:
    """The end of a job that needed no work: an earlier one had the same clip."""
    return _settlement(record, None, now, JobState.SUCCEEDED, model_digest=model_digest)


def ended(
    record: JobRecord, entry: QueueEntry | None, now: datetime, failure: Failure
) -> Settlement:
    """The end of a job that failed."""
    return _settlement(record, entry, now, JobState.FAILED, failure=failure)


def _of_outcome(record: JobRecord, entry: QueueEntry, now: datetime) -> Settlement:
    outcome = entry.outcome
    if outcome is None or outcome.state is JobState.CANCELED:
        return canceled(record, entry, now)
    if outcome.state is JobState.FAILED:
        return ended(record, entry, now, outcome.failure or _LOST)
    digest = outcome.model_digest
    return _settlement(record, entry, now, JobState.SUCCEEDED, model_digest=digest)


def _settlement(  # the parts of a settlement
    record: JobRecord,
    entry: QueueEntry | None,
    now: datetime,
    state: Literal[JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED],
    *,
    failure: Failure | None = None,
    model_digest: str | None = None,
) -> Settlement:
    return Settlement(
        state=state,
        started_at=entry.started_at if entry else None,
        finished_at=now,
        expires_at=now + timedelta(seconds=record.ttl_s),
        failure=failure,
        model_digest=model_digest,
        progress=entry.progress if entry else None,
    )


def _overdue(record: JobRecord) -> Failure:
    limit_s = (record.deadline_at - record.created_at).total_seconds()
    return Failure(
        code=ErrorCode.DEADLINE_EXCEEDED,
        detail=f"The job had not ended {limit_s:.0f} s after its submission.",
        retryable=True,
        limit=limit_s,
    )


def describe(standing: Standing, now: datetime) -> Job:
    """What a caller sees of a job."""
    record, settled = standing.record, standing.settled
    base = f"/v1/jobs/{record.id}"
    latest = record.deadline_at + timedelta(seconds=record.ttl_s)
    entry = standing.entry
    return Job(
        id=record.id,
        status=state_of(standing, now),
        created_at=record.created_at,
        started_at=settled.started_at if settled else entry.started_at if entry else None,
        finished_at=settled.finished_at if settled else None,
        deadline_at=record.deadline_at,
        expires_at=settled.expires_at if settled else latest,
        progress=_progress(standing, now),
        error=settled.failure if settled else None,
        links=JobLinks(
            self=base,
            result=f"{base}/result",
            events=f"{base}/events",
            cancel=f"{base}/cancel",
            deliveries=f"{base}/deliveries",
        ),
        clip=record.clip,
        options=record.options,
        client_ref=record.options.client_ref,
        tags=record.options.tags,
        batch_id=record.options.batch_id,
        deduplicated_from=record.deduplicated_from,
    )


def _progress(standing: Standing, now: datetime) -> JobProgress:
    state = state_of(standing, now)
    settled, entry = standing.settled, standing.entry
    if settled is not None:
        return _frames(settled.progress, state)
    if state is JobState.PROCESSING and entry is not None:
        progress = _frames(entry.progress, entry.progress.stage if entry.progress else state)
        return progress.model_copy(update={"eta_s": _eta_s(entry, now)})
    return JobProgress(
        stage=state, queue_position=standing.position, eta_s=_eta_in_queue_s(standing)
    )


def _frames(written: Progress | None, stage: str) -> JobProgress:
    if written is None:
        return JobProgress(stage=stage)
    return JobProgress(
        stage=stage, frames_done=written.frames_done, frames_total=written.frames_total
    )


def _eta_s(entry: QueueEntry, now: datetime) -> float | None:
    """Seconds left if the rest goes as fast as what is done."""
    done = entry.progress
    if entry.started_at is None or done is None or not done.frames_done or not done.frames_total:
        return None
    elapsed_s = (now - entry.started_at).total_seconds()
    left = max(0, done.frames_total - done.frames_done)
    return round(max(0.0, elapsed_s) * left / done.frames_done, 1)


def _eta_in_queue_s(standing: Standing) -> float | None:
    """Seconds until all before it and the job itself are done, at the workers' pace lately."""
    if standing.position is None or standing.pace_s is None or not standing.workers:
        return None
    return round(standing.pace_s * (1 + standing.position / standing.workers), 1)
