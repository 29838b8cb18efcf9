"""The queue: RQ behind the few verbs the gateway needs. Results never travel through it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis
from redis.client import Pipeline
from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import Worker

from worker.contract import (
    ANALYSE_FUNCTION,
    PROBE_FUNCTION,
    PROBE_KEY,
    PROGRESS_META_KEY,
    QUEUE_NAME,
    JobOutcome,
    JobPayload,
    ProbeReport,
    Progress,
)

_PROBE_TIMEOUT_S = 60
_PROBE_PENDING_KEY = "madv:probe:pending"
_STALE_LOCK_S = 20


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """What RQ knows about a job. `position` counts from 1 and is None unless it waits."""

    status: JobStatus
    started_at: datetime | None = None
    ended_at: datetime | None = None
    position: int | None = None
    progress: Progress | None = None
    outcome: JobOutcome | None = None


class ClipQueue:
    """One RQ queue of clips; jobs are named by dotted path and carry JSON only."""

    def __init__(self, connection: Redis, *, deadline_s: int, retries: int) -> None:
        self._connection = connection
        self._deadline_s = deadline_s
        self._retries = retries
        self._queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)

    def enqueue(self, payload: JobPayload, *, keep_s: int, pipeline: Pipeline) -> None:
        """Queue an analysis as part of a transaction; its outcome is kept for `keep_s`.

        The RQ job carries our job's id, so that neither needs a table to find the other.
        """
        self._queue.enqueue_call(
            ANALYSE_FUNCTION,
            args=(payload.model_dump(mode="json"),),
            job_id=payload.job_id,
            description=ANALYSE_FUNCTION,
            timeout=self._deadline_s,
            result_ttl=keep_s,
            failure_ttl=keep_s,
            retry=Retry(max=self._retries) if self._retries else None,
            pipeline=pipeline,
        )

    def enqueue_probe(self) -> None:
        """Ask a worker to prove an inference, ahead of all clips and unless one is pending."""
        if self._connection.set(_PROBE_PENDING_KEY, b"1", nx=True, ex=_PROBE_TIMEOUT_S):
            self._queue.enqueue_call(
                PROBE_FUNCTION,
                description=PROBE_FUNCTION,
                timeout=_PROBE_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=_PROBE_TIMEOUT_S,
                ttl=_PROBE_TIMEOUT_S,
                at_front=True,
            )

    def last_probe(self) -> ProbeReport | None:
        """The latest inference a worker proved, or None."""
        written = self._connection.get(PROBE_KEY)
        return None if written is None else ProbeReport.model_validate_json(written)

    def entry(self, job_id: str) -> QueueEntry | None:
        """What RQ knows about a job, or None where it knows nothing."""
        job = self._fetch(job_id)
        if job is None:
            return None
        status = job.get_status(refresh=False)
        position = self._queue.get_job_position(job) if status is JobStatus.QUEUED else None
        return QueueEntry(
            status=status,
            started_at=_utc(job.started_at),
            ended_at=_utc(job.ended_at),
            position=None if position is None else position + 1,
            progress=_progress(job),
            outcome=_outcome(job) if status is JobStatus.FINISHED else None,
        )

    def is_running(self, job_id: str) -> bool:
        """Whether a worker holds the job now."""
        job = self._fetch(job_id)
        return job is not None and job.get_status(refresh=False) is JobStatus.STARTED

    def remove(self, job_id: str) -> None:
        """Forget a job: its place in the queue, its arguments and its outcome."""
        job = self._fetch(job_id)
        if job is not None:
            job.delete()

    def live_workers(self) -> int:
        """Workers with a heartbeat: RQ lets a worker's key lapse without one."""
        return len(Worker.all(queue=self._queue, serializer=JSONSerializer))

    def recover(self) -> None:
        """Put jobs of dead workers back in the queue, or fail them when their tries are used up.

        Workers do this too, but only between jobs. RQ's lock keeps it from being done twice at
        once; a worker that died holding it must not block recovery for RQ's fifteen minutes.
        """
        if not self._queue.acquire_maintenance_lock():
            if self._connection.ttl(self._queue.registry_cleaning_key) > _STALE_LOCK_S:
                self._connection.expire(self._queue.registry_cleaning_key, _STALE_LOCK_S)
            return
        try:
            StartedJobRegistry(queue=self._queue).cleanup()
        finally:
            self._connection.delete(self._queue.registry_cleaning_key)

    def _fetch(self, job_id: str) -> Job | None:
        try:
            return Job.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return None


def _progress(job: Job) -> Progress | None:
    written = job.meta.get(PROGRESS_META_KEY)
    return None if written is None else Progress.model_validate(written)


def _outcome(job: Job) -> JobOutcome | None:
    returned = job.return_value()
    return None if returned is None else JobOutcome.model_validate(returned)


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
