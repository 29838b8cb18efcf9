"""The jobs on the queue. RQ calls them by dotted name, in a forked process per job."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import obstore
from obstore.store import ObjectStore

from worker.backend import Deadline
from worker.contract import (
    AnalysisReport,
    JobOutcome,
    JobPayload,
    JobState,
    ProbeReport,
    Progress,
)
from worker.errors import ClipError
from worker.models.registry import recognizer
from worker.pipeline import Pipeline, ReportProgress, Task
from worker.scratch import scratch_file
from worker.stopwatch import Stopwatch
from worker.triton import verify
from worker.triton.factory import OpenBackend
from worker.video.decode import decode
from worker.video.limits import DecodeLimits


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a job needs from the process it runs in."""

    open_backend: OpenBackend
    backend_name: str
    open_blobs: Callable[[], ObjectStore]
    limits: DecodeLimits
    analysis_timeout_s: float
    probe_timeout_s: float
    report_progress: ReportProgress
    report_proof: Callable[[ProbeReport], None]


WORKPLACE: Final[ContextVar[Workplace]] = ContextVar("WORKPLACE")
"""Set by whoever runs jobs; RQ hands a job nothing but its payload."""


def analyse(payload: dict[str, Any]) -> dict[str, Any]:
    """Analyse a stored clip and store the report. What is wrong with the clip is an outcome too.

    Args:
        payload: A `JobPayload`.

    Returns:
        A `JobOutcome`.

    Raises:
        BackendError: The models cannot be run; another try may help.
    """
    job, workplace = JobPayload.model_validate(payload), WORKPLACE.get()
    blobs = workplace.open_blobs()
    try:
        report = _report(job, workplace, blobs)
    except ClipError as error:
        outcome = JobOutcome(state=JobState.FAILED, failure=error.failure)
    else:
        obstore.put(blobs, job.result_key, report.model_dump_json(by_alias=True).encode())
        latency_ms = report.timings_ms["recognize"]
        workplace.report_proof(_proof(workplace.backend_name, latency_ms))
        outcome = JobOutcome(state=JobState.SUCCEEDED)
    return outcome.model_dump(mode="json")


def probe() -> dict[str, Any]:
    """Prove that a worker can run the models.

    Returns:
        A `ProbeReport`.
    """
    workplace = WORKPLACE.get()
    deadline = Deadline.after(workplace.probe_timeout_s)
    report = prove(workplace.open_backend, workplace.backend_name, deadline)
    workplace.report_proof(report)
    return report.model_dump(mode="json")


def prove(open_backend: OpenBackend, backend_name: str, deadline: Deadline) -> ProbeReport:
    """Compare the models with this code and run them once.

    Raises:
        BackendError: They differ, or cannot be run.
    """
    with open_backend() as backend:
        verify.verify(backend, deadline)
        start_s = time.perf_counter()
        verify.probe(backend, deadline)
        return _proof(backend_name, 1000 * (time.perf_counter() - start_s))


def _proof(backend_name: str, latency_ms: float) -> ProbeReport:
    return ProbeReport(at=datetime.now(UTC), backend=backend_name, latency_ms=latency_ms)


def _report(job: JobPayload, workplace: Workplace, blobs: ObjectStore) -> AnalysisReport:
    stopwatch = Stopwatch()
    with scratch_file() as path:
        with stopwatch.stage("fetch"), path.open("wb") as file:
            for chunk in obstore.get(blobs, job.clip_key).stream():
                file.write(chunk)
        workplace.report_progress(Progress(stage="decode"))
        with stopwatch.stage("decode"):
            clip = decode(path, workplace.limits)
    task = Task(
        job.sha256,
        Deadline.after(workplace.analysis_timeout_s),
        stopwatch,
        job.job_id,
        workplace.report_progress,
    )
    with workplace.open_backend() as backend:
        return Pipeline(backend, recognizer(job.recognizer)).analyse(clip, task)
