"""The jobs on the queue. RQ calls them by dotted name, in a forked process per job."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore
from opentelemetry.trace import SpanKind

from worker.backend import Deadline
from worker.contract import (
    AnalysisReport,
    JobOutcome,
    JobPayload,
    JobState,
    PlotPayload,
    ProbeReport,
    Progress,
)
from worker.domain import Footage
from worker.errors import ClipError
from worker.models.registry import recognizer
from worker.patience import PatientBackend, patiently
from worker.pipeline import Pipeline
from worker.scratch import scratch_file
from worker.task import ReportProgress, Task
from worker.telemetry.figures import FRAMES, OUTCOMES, Tally
from worker.telemetry.tracing import note, past_span, span
from worker.triton import verify
from worker.triton.factory import OpenBackend
from worker.video.footage import Counts, open_footage
from worker.video.limits import DecodeLimits
from worker.watched import WatchedBackend, WatchedStopwatch


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
    is_wanted: Callable[[str], bool]
    """Whether anybody still waits for the job of an id."""
    report_proof: Callable[[ProbeReport], None]
    traces: str = ""
    """Where spans go; empty for nowhere."""
    queued_at: datetime | None = None
    """Since when the job waited whose trace this process is in."""
    tally: Tally = field(default_factory=Tally)
    patience_s: float = 0.0
    """Longest wait for models or blob store to come back, each time they are found away."""


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
    if workplace.queued_at is not None:
        past_span("queue", workplace.queued_at)
    with span("analyse", kind=SpanKind.CONSUMER, job_id=job.job_id):
        return _counted(job, workplace).model_dump(mode="json")


def plot(payload: dict[str, Any]) -> bool:
    """Draw a stored result, without a picture of anybody, and store the drawing.

    Args:
        payload: A `PlotPayload`.

    Returns:
        Whether there is a drawing now: none, where the result is gone.

    Raises:
        RuntimeError: This worker is installed without what draws.
    """
    try:
        from worker.report.plot import draw  # noqa: PLC0415  # large, and needed by few jobs
    except ModuleNotFoundError as error:
        raise RuntimeError("plots need matplotlib: install the extra `worker`") from error
    keys = PlotPayload.model_validate(payload)
    return draw_stored(keys, WORKPLACE.get().open_blobs(), draw)


def draw_stored(
    keys: PlotPayload, blobs: ObjectStore, draw: Callable[[AnalysisReport, str], bytes]
) -> bool:
    """Store the drawing of a stored result, and never one of a result that has been erased.

    Args:
        keys: Where the result lies, and where its drawing goes.
        blobs: Holds both.
        draw: Makes the drawing of a result and a title.

    Returns:
        Whether there is a drawing now.
    """
    result = _stored(blobs, keys.result_key)
    if result is None:
        return False
    obstore.put(blobs, keys.plot_key, draw(result, result.job_id or ""))
    if _exists(blobs, keys.result_key):
        return True
    # Erased while it was drawn: whoever did that could not know of the drawing.
    _erase(blobs, keys.plot_key)
    return False


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


def _counted(job: JobPayload, workplace: Workplace) -> JobOutcome:
    try:
        outcome = _outcome(job, workplace)
    except Exception as error:
        workplace.tally.add(OUTCOMES, "error", type(error).__name__)
        raise
    code = "" if outcome.failure is None else outcome.failure.code
    workplace.tally.add(OUTCOMES, outcome.state, code)
    note(outcome=outcome.state, code=code)
    return outcome


def _outcome(job: JobPayload, workplace: Workplace) -> JobOutcome:
    canceled = JobOutcome(state=JobState.CANCELED)
    if not workplace.is_wanted(job.job_id):
        return canceled
    blobs = workplace.open_blobs()
    stopwatch = WatchedStopwatch()
    try:
        report = _report(job, workplace, blobs, stopwatch)
    except ClipError as error:
        return JobOutcome(state=JobState.FAILED, failure=error.failure)
    finally:
        stopwatch.count(workplace.tally)
    if not workplace.is_wanted(job.job_id):
        return canceled
    document = report.model_dump_json(by_alias=True).encode()
    with span("result"):
        # Such as a full disk: what has been found out is not to be found out again.
        patiently(
            lambda: obstore.put(blobs, job.result_key, document),
            (BaseError,),
            Deadline.after(workplace.patience_s),
        )
    stopwatch.count_whole(workplace.tally)
    workplace.tally.add(FRAMES, amount=report.decode.frames_decoded)
    workplace.report_proof(_proof(workplace.backend_name, report.timings_ms["recognize"]))
    return JobOutcome(state=JobState.SUCCEEDED, model_digest=report.model.digest)


def _report(
    job: JobPayload, workplace: Workplace, blobs: ObjectStore, stopwatch: WatchedStopwatch
) -> AnalysisReport:
    with scratch_file() as path:
        with stopwatch.stage("fetch"), path.open("wb") as file:
            for chunk in obstore.get(blobs, job.clip_key).stream():
                file.write(chunk)
        with _footage(path, job, workplace, stopwatch) as footage:
            return _analysed(footage, job, workplace, stopwatch)


def _analysed(
    footage: Footage, job: JobPayload, workplace: Workplace, stopwatch: WatchedStopwatch
) -> AnalysisReport:
    task = Task(
        job.sha256,
        Deadline.after(workplace.analysis_timeout_s),
        stopwatch,
        job.job_id,
        workplace.report_progress,
        job.mode,
        job.faces,
        job.explain,
    )
    judge = recognizer(job.recognizer)
    with _models(workplace) as backend:
        backend.await_model(judge.spec, task.deadline)
        return Pipeline(backend, judge).analyse(footage, task)


def _models(workplace: Workplace) -> PatientBackend:
    opened = workplace.open_backend()
    watched = WatchedBackend(opened, workplace.backend_name, workplace.tally)
    return PatientBackend(watched, workplace.patience_s, verify.verify_model)


@contextmanager
def _footage(
    path: Path, job: JobPayload, workplace: Workplace, stopwatch: WatchedStopwatch
) -> Iterator[Footage]:
    """The clip, its first window decoded: what is no clip needs no models to be told so."""

    def hear(counts: Counts) -> None:
        done, total = counts
        progress = Progress(stage="decode", frames_done=done, frames_total=total)
        workplace.report_progress(progress)

    workplace.report_progress(Progress(stage="decode"))
    opened = open_footage(path, workplace.limits, fps=job.fps, hear=hear)
    with ExitStack() as stack:
        with stopwatch.stage("decode"):
            footage = stack.enter_context(opened)
            footage.begin()
        yield footage


def _stored(blobs: ObjectStore, key: str) -> AnalysisReport | None:
    try:
        content = obstore.get(blobs, key).bytes()
    except FileNotFoundError:
        return None
    return AnalysisReport.model_validate_json(bytes(content))


def _exists(blobs: ObjectStore, key: str) -> bool:
    try:
        obstore.head(blobs, key)
    except FileNotFoundError:
        return False
    return True


def _erase(blobs: ObjectStore, key: str) -> None:
    with suppress(FileNotFoundError):
        obstore.delete(blobs, key)
