"""The queue: RQ behind the few verbs the gateway needs. Results never travel through it.

RQ is synchronous: everything here is called in the thread pool.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.worker import Worker

from service.enqueuing import Command, Enqueuing
from service.store.text import text
from worker.contract import (
    PLOT_FUNCTION,
    PROBE_FUNCTION,
    PROBE_KEY,
    PROGRESS_META_KEY,
    QUEUE_NAME,
    JobOutcome,
    JobPayload,
    PlotPayload,
    ProbeReport,
    Progress,
)

_PROBE_TIMEOUT_S = 60
_PROBE_PENDING_KEY = "madv:probe:pending"
_PLOT_TIMEOUT_S = 60
_STALE_LOCK_S = 20
_BEGUN_WITHIN_S = 10
"""A job taken from the queue and not begun by then was taken by a worker that died."""
_PUT_BACK = """
-- KEYS: jobs taken, queue, RQ's hash of the job. ARGV: job id. The next to be taken is on the left.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return end
local is_waiting = redis.call('HGET', KEYS[3], 'status') == 'queued'
if is_waiting and not redis.call('LPOS', KEYS[2], ARGV[1]) then
  redis.call('LPUSH', KEYS[2], ARGV[1])
end
"""
_KEPT_S = 7 * 24 * 3600
"""How long RQ remembers an ended job, should no gateway be there to take note."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """What RQ knows about a job."""

    status: JobStatus
    started_at: datetime | None = None
    progress: Progress | None = None
    outcome: JobOutcome | None = None


class ClipQueue:
    """One RQ queue of clips; jobs are named by dotted path and carry JSON only."""

    def __init__(
        self,
        connection: Redis,
        *,
        attempt_timeout_s: int,
        retries: int,
        begun_within_s: float = _BEGUN_WITHIN_S,
    ) -> None:
        self._begun_within_s = begun_within_s
        self._connection = connection
        self._queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
        self._enqueuing = Enqueuing(self._queue, attempt_timeout_s, _KEPT_S, retries)
        self._finished = FinishedJobRegistry(queue=self._queue)
        self._failed = FailedJobRegistry(queue=self._queue)
        self._started = StartedJobRegistry(queue=self._queue)
        self._taken_key = self._queue.intermediate_queue_key
        self._taken: dict[str, float] = {}
        """Jobs taken and not begun, and since when this was seen (`time.monotonic`)."""
        self._put_one_back = connection.register_script(_PUT_BACK)
        self.list_key = self._queue.key
        """Redis list of the ids of waiting jobs, the next one first."""
        self.started_key = str(self._started.key)
        """Redis sorted set of the attempts under way."""
        self.workers_key = f"rq:workers:{QUEUE_NAME}"
        """Redis set of the workers on this queue."""

    def commands(self, payload: JobPayload) -> list[Command]:
        """What is to be sent to Redis, in one transaction, to queue an analysis.

        The RQ job carries our job's id, so that neither needs a table to find the other.
        """
        return self._enqueuing.commands(payload)

    def enqueue_probe(self) -> None:
        """Ask a worker to prove an inference, ahead of all clips and unless one is pending."""
        if self._connection.set(_PROBE_PENDING_KEY, b"1", nx=True, ex=_PROBE_TIMEOUT_S):
            self._enqueue_aside(PROBE_FUNCTION, (), _PROBE_TIMEOUT_S)

    def enqueue_plot(self, payload: PlotPayload) -> None:
        """Ask a worker to draw a result, ahead of all clips and unless one has been asked."""
        pending = f"madv:plot:pending:{payload.plot_key}"
        if self._connection.set(pending, b"1", nx=True, ex=_PLOT_TIMEOUT_S):
            args = (payload.model_dump(mode="json"),)
            self._enqueue_aside(PLOT_FUNCTION, args, _PLOT_TIMEOUT_S)

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
        return QueueEntry(
            status=status,
            started_at=_utc(job.started_at),
            progress=progress_of(job.meta),
            outcome=_outcome(job) if status is JobStatus.FINISHED else None,
        )

    def ended(self, limit: int) -> list[str]:
        """Ids of jobs RQ has finished or given up and that were not removed yet, oldest first."""
        return [
            job_id
            for registry in (self._finished, self._failed)
            for job_id in registry.get_job_ids(0, limit - 1, cleanup=False)
        ]

    def is_held(self, job_id: str) -> bool:
        """Whether a worker holds the job now, or did until it died just now."""
        job = self._fetch(job_id)
        return job is not None and job.get_status(refresh=False) is JobStatus.STARTED

    def stop(self, job_id: str) -> None:
        """Have the worker that holds a job, if one does, kill the process that runs it."""
        try:
            send_stop_job_command(self._connection, job_id, serializer=JSONSerializer)
        except (NoSuchJobError, InvalidJobOperation):
            return

    def remove(self, job_id: str) -> None:
        """Forget a job no worker holds: its place, its arguments, its outcome, its tracebacks."""
        job = self._fetch(job_id)
        if job is not None:
            self._forget_attempts(job)
        results = Result.get_key(job_id)  # type: ignore[no-untyped-call]  # RQ types it in part
        # In one step: what no registry lists any more would be found by nobody.
        with self._connection.pipeline(transaction=True) as pipeline:
            if job is not None:
                # Somebody else removed it just now; or a worker that is being stopped has told once
                # more that it lives, in an entry of its attempt that RQ cannot read.
                with suppress(InvalidJobOperation, KeyError):
                    job.delete(pipeline=pipeline)
            # What a worker may leave behind when it dies is not deleted by that.
            self._queue.remove(job_id, pipeline=pipeline)
            for registry in (self._finished, self._failed):
                registry.remove(job_id, pipeline=pipeline)
            pipeline.delete(Job.key_for(job_id), results)
            pipeline.execute()

    def live_workers(self) -> int:
        """Workers with a heartbeat: RQ lets a worker's key lapse without one."""
        return len(Worker.all(queue=self._queue, serializer=JSONSerializer))

    def running(self) -> set[str]:
        """Ids of the jobs workers hold."""
        return set(self._started.get_job_ids(cleanup=False))

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
            # By Redis' clock, which workers go by, too: this machine's may be wrong.
            self._started.cleanup(timestamp=self._now_s())
        finally:
            self._connection.delete(self._queue.registry_cleaning_key)
        self._put_back()

    def _put_back(self) -> None:
        """Queue what a worker had taken when it died, before RQ knew that it had begun."""
        taken = {text(entry) for entry in self._connection.lrange(self._taken_key, 0, -1)}
        now_s = time.monotonic()
        self._taken = {each: self._taken.get(each, now_s) for each in taken - self.running()}
        for job_id, since_s in self._taken.items():
            if now_s - since_s > self._begun_within_s:
                self._put_one_back(
                    keys=[self._taken_key, self.list_key, job_hash(job_id)], args=[job_id]
                )

    def _now_s(self) -> float:
        seconds, microseconds = self._connection.time()
        return float(seconds) + microseconds / 1e6

    def _forget_attempts(self, job: Job) -> None:
        """RQ's own deletion fails where a dead worker's attempt has lapsed and is still listed."""
        listed = job.execution_registry
        attempts = [
            Execution(attempt_id, job.id, self._connection)
            for attempt_id in listed.get_execution_ids()
        ]
        if attempts:
            self._connection.zrem(self._started.key, *(each.composite_key for each in attempts))
        self._connection.delete(listed.key, *(each.key for each in attempts))

    def _enqueue_aside(self, function: str, args: tuple[object, ...], timeout_s: int) -> None:
        """A job of ours, not of a caller: ahead of all clips, soon forgotten."""
        self._queue.enqueue_call(
            function,
            args=args,
            description=function,
            timeout=timeout_s,
            result_ttl=0,
            failure_ttl=timeout_s,
            ttl=timeout_s,
            at_front=True,
        )

    def _fetch(self, job_id: str) -> Job | None:
        try:
            return Job.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return None


def job_hash(job_id: str) -> str:
    """Redis key of RQ's hash of a job."""
    return str(Job.key_for(job_id))


FIELDS = ("status", "started_at", "meta")
"""Fields of RQ's hash of a job that say how far it is."""
ENQUEUED_AT = "enqueued_at"
"""Field of RQ's hash of a job that says since when it waits."""


def parse_fields(values: Sequence[bytes | int | None]) -> QueueEntry | None:
    """What the values of `FIELDS` say; None where RQ knows nothing. The outcome is not in there."""
    status, started_at, meta = (v.decode() if isinstance(v, bytes) else "" for v in values)
    if not status:
        return None
    return QueueEntry(
        status=JobStatus(status),
        started_at=datetime.fromisoformat(started_at) if started_at else None,
        progress=progress_of(json.loads(meta)) if meta else None,
    )


def progress_of(meta: dict[str, object]) -> Progress | None:
    """What the worker wrote on the job last."""
    written = meta.get(PROGRESS_META_KEY)
    return None if written is None else Progress.model_validate(written)


def _outcome(job: Job) -> JobOutcome | None:
    returned = job.return_value()
    return None if returned is None else JobOutcome.model_validate(returned)


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
