"""The worker process: settings become a forking RQ worker on the one queue.

The parent only waits, forks and sends heartbeats. Everything with threads or connections of its
own (gRPC, onnxruntime, the blob store) exists in the forked work-horse alone.
"""

import gc
import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url
from redis import Redis
from redis.client import Pipeline as RedisPipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import clean_worker_registry

from worker.announcements import Announcer, add_up, announce_change, is_wanted
from worker.attempts import ClipJob, recover_lost
from worker.backend import Deadline
from worker.capabilities import capabilities
from worker.contract import (
    ANALYSE_FUNCTION,
    CAPABILITIES_KEY,
    PROBE_KEY,
    QUEUE_NAME,
    Capabilities,
    JobPayload,
    ProbeReport,
)
from worker.errors import BackendError, BackendUnavailable
from worker.jobs import WORKPLACE, Workplace, prove
from worker.leash import die_with_parent
from worker.patience import patiently
from worker.process import ChildDied, call_in_child
from worker.settings import ModelSettings, WorkerSettings
from worker.task import ignore
from worker.telemetry import export
from worker.telemetry.figures import OUTCOMES, Tally
from worker.telemetry.logs import JOB_ID, configure
from worker.telemetry.scrub import scrubbed
from worker.telemetry.tracing import continued
from worker.triton.factory import OpenBackend, backend_factory
from worker.video.check import check_decoder

_LOG = logging.getLogger(__name__)

HEARTBEAT_S: Final = 3
"""How often a working worker says that it lives."""
LOST_AFTER_S: Final = 12
"""A job without a heartbeat for so long is taken for lost and tried again."""
WORKER_TTL_S: Final = 20
"""A worker without one is gone; an idle one says so every `WORKER_TTL_S - 15` seconds."""
MAINTENANCE_S: Final = 5
"""How often a worker looks for lost jobs, between its own."""
_ERASE_TIMEOUT_S = 30.0
_MARGIN_S = 5.0


class ClipWorker(Worker):
    """An RQ worker that gives its jobs a `Workplace` and erases clips once jobs are decided."""

    def __init__(self, connection: Redis, workplace: Workplace) -> None:
        super().__init__(
            [Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            job_class=ClipJob,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_S,
            job_monitoring_interval=HEARTBEAT_S,
            maintenance_interval=MAINTENANCE_S,
            log_job_description=False,
        )
        self._workplace = workplace

    def get_heartbeat_ttl(self, job: Job) -> int:  # noqa: ARG002  # RQ's signature
        """Seconds after which a job is lost without another heartbeat."""
        return LOST_AFTER_S

    def heartbeat(
        self,
        timeout: int | None = None,  # noqa: ARG002  # RQ adds a minute to every time-out
        pipeline: RedisPipeline | None = None,
    ) -> None:
        """Say that this worker lives, and will for `WORKER_TTL_S`."""
        super().heartbeat(WORKER_TTL_S, pipeline)

    def clean_registries(self) -> None:
        """Look for lost jobs. What a dead worker had taken and not begun, the gateway puts back."""
        for queue in self.queues:
            recover_lost(queue)
            clean_worker_registry(queue)
        self.last_cleaned_at = datetime.now(UTC)  # type: ignore[assignment]  # typed as None by RQ

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Where the forked process begins."""
        if self.pid is not None:
            die_with_parent(self.pid)
        super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run a job in the forked process."""
        JOB_ID.set(job.id)
        if job.func_name != ANALYSE_FUNCTION:
            WORKPLACE.set(self._workplace)
            return super().perform_job(job, queue)
        tally = Tally()
        WORKPLACE.set(self._workplace_of(job, tally))
        traced = export.at_the_end(self._workplace.traces, "madv-worker")
        with traced, continued(job.args[0].get("traceparent")):
            try:
                return super().perform_job(job, queue)
            finally:
                add_up(self.connection, tally)

    def _workplace_of(self, job: Job, tally: Tally) -> Workplace:
        """Where an analysis is done, which is hereby announced."""
        announcer = Announcer(self.connection, job)
        announcer.start()
        return replace(
            self._workplace,
            report_progress=announcer.report_progress,
            queued_at=job.enqueued_at and job.enqueued_at.replace(tzinfo=UTC),
            tally=tally,
        )

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the forked process and its children; does nothing where there is none.

        A command to stop a job may come just when the job has ended by itself. RQ would then take
        the process group of "process 0" for the horse's, which is the group of this very worker.
        """
        if self.horse_pid:
            super().kill_horse(sig)

    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: StartedJobRegistry
    ) -> None:
        """Record an outcome, then erase the clip: a lost worker's successor needed it till then."""
        super().handle_job_success(job, queue, started_job_registry)
        self._erase_clip(job)
        self._announce_change(job)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
    ) -> None:
        """Record a failed try, and erase the clip if it was the last."""
        super().handle_job_failure(job, queue, started_job_registry, scrubbed(exc_string))
        if job.get_status() in {JobStatus.FAILED, JobStatus.STOPPED}:
            self._erase_clip(job)
        if not self.is_horse:
            self._count_death(job)
        self._announce_change(job)

    def _count_death(self, job: Job) -> None:
        """The forked process could not count what became of it."""
        if job.func_name == ANALYSE_FUNCTION:
            tally = Tally()
            is_stopped = job.get_status(refresh=False) is JobStatus.STOPPED
            tally.add(OUTCOMES, "canceled" if is_stopped else "died", "")
            add_up(self.connection, tally)

    def _announce_change(self, job: Job) -> None:
        if job.func_name == ANALYSE_FUNCTION:
            announce_change(self.connection, job.id)

    def _erase_clip(self, job: Job) -> None:
        if job.func_name != ANALYSE_FUNCTION:
            return
        payload = JobPayload.model_validate(job.args[0])
        if payload.store_input:
            return
        if self.is_horse:
            _erase(self._workplace.open_blobs, payload.clip_key)
            return
        try:
            # The blob store starts threads, which this process must not have.
            call_in_child(_ERASE_TIMEOUT_S, _erase, self._workplace.open_blobs, payload.clip_key)
        except (ChildDied, TimeoutError):
            _LOG.warning("a clip could not be erased yet", exc_info=True)


def run(settings: WorkerSettings) -> None:
    """Work until told to stop.

    Raises:
        ContractMismatch: The models are not those this code was written for.
        BackendError: They do not answer in time.
        DecoderUnfit: Clips cannot be decoded safely.
    """
    configure(settings.log_format)
    export.load(settings.traces)
    _LOG.info("clips are decoded by FFmpeg %s", check_decoder(settings.limits()))
    deadline = Deadline.after(settings.startup_timeout_s)
    connection = Redis.from_url(settings.redis_url.get_secret_value())
    patiently(connection.ping, (RedisConnectionError,), deadline)
    workplace = _workplace(settings, connection)
    # In a child: its connections and threads must not be there when jobs are forked.
    proved = call_in_child(
        settings.startup_timeout_s + _MARGIN_S, _prove, workplace.open_backend, settings
    )
    if isinstance(proved, BackendError):
        raise proved
    proof, able = proved
    connection.set(CAPABILITIES_KEY, able.model_dump_json())
    workplace.report_proof(proof)
    gc.freeze()  # what is loaded by now stays shared with every forked work-horse
    ClipWorker(connection, workplace).work()


def prove_patiently(open_backend: OpenBackend, settings: ModelSettings) -> ProbeReport:
    """Compare the models with this code and run them once; waits for a server still starting.

    Raises:
        BackendError: They differ, or cannot be run.
    """
    deadline = Deadline.after(settings.startup_timeout_s)
    return patiently(
        lambda: prove(open_backend, backend_name(settings), deadline),
        (BackendUnavailable,),
        deadline,
    )


def backend_name(settings: ModelSettings) -> str:
    """Which backend the settings choose."""
    return "triton" if settings.triton_url else "inprocess"


def backend_opener(settings: ModelSettings) -> OpenBackend:
    """What opens the backend that the settings choose."""
    return backend_factory(
        settings.triton_url, settings.model_repo, shares_memory=settings.triton_shares_memory
    )


def _prove(
    open_backend: OpenBackend, settings: WorkerSettings
) -> tuple[ProbeReport, Capabilities] | BackendError:
    """The error is the answer: raised here, it would reach the parent as a mere death."""
    try:
        proof = prove_patiently(open_backend, settings)
        with open_backend() as backend:
            deadline = Deadline.after(settings.probe_timeout_s)
            return proof, capabilities(backend, settings.limits(), deadline)
    except BackendError as error:
        return error


def _workplace(settings: WorkerSettings, connection: Redis) -> Workplace:
    def report_proof(proof: ProbeReport) -> None:
        connection.set(PROBE_KEY, proof.model_dump_json())

    return Workplace(
        open_backend=backend_opener(settings),
        backend_name=backend_name(settings),
        open_blobs=lambda: _open_blobs(settings.blob_url),
        limits=settings.limits(),
        analysis_timeout_s=settings.analysis_timeout_s,
        probe_timeout_s=settings.probe_timeout_s,
        report_progress=ignore,
        is_wanted=lambda job_id: is_wanted(connection, job_id),
        report_proof=report_proof,
        traces=settings.traces,
        patience_s=settings.outage_patience_s,
    )


def _open_blobs(url: str) -> ObjectStore:
    return from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)


def _erase(open_blobs: Callable[[], ObjectStore], key: str) -> None:
    """Erase a clip. Where that fails its job is decided all the same: expiry erases it later."""
    try:
        obstore.delete(open_blobs(), key)
    except FileNotFoundError:
        return
    except BaseError:
        _LOG.warning("a clip could not be erased yet", exc_info=True)
