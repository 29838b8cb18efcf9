from datetime import UTC, datetime, timedelta

import pytest
from rq.job import JobStatus

from service.jobs import JobRecord, describe
from service.queue import QueueEntry
from service.schemas import ClipReceipt, RecognizeOptions
from worker.contract import ErrorCode, Failure, JobOutcome, JobState, Progress

START = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = JobRecord(
    id="job_1",
    created_at=START,
    expires_at=START + timedelta(hours=1),
    clip=ClipReceipt(sha256="00", bytes=1),
    options=RecognizeOptions(client_ref="mine", tags=["a"]),
)
SUCCEEDED = JobOutcome(state=JobState.SUCCEEDED)
NO_FACE = JobOutcome(
    state=JobState.FAILED, failure=Failure(code=ErrorCode.NO_FACE, detail="no face")
)


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (QueueEntry(JobStatus.QUEUED, position=1), JobState.QUEUED),
        (QueueEntry(JobStatus.SCHEDULED), JobState.QUEUED),
        (QueueEntry(JobStatus.STARTED), JobState.PROCESSING),
        (QueueEntry(JobStatus.FINISHED, outcome=SUCCEEDED), JobState.SUCCEEDED),
        (QueueEntry(JobStatus.FINISHED, outcome=NO_FACE), JobState.FAILED),
        (QueueEntry(JobStatus.FINISHED, outcome=None), JobState.FAILED),
        (QueueEntry(JobStatus.FAILED), JobState.FAILED),
        (QueueEntry(JobStatus.STOPPED), JobState.CANCELED),
        (QueueEntry(JobStatus.CANCELED), JobState.CANCELED),
        (None, JobState.FAILED),
    ],
)
def test_states_of_the_queue_become_states_of_the_job(
    entry: QueueEntry | None, state: JobState
) -> None:
    assert describe(RECORD, entry, START).status is state


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_state_of_the_queue_ends_when_the_job_expires(status: JobStatus) -> None:
    job = describe(RECORD, QueueEntry(status), RECORD.expires_at)
    assert job.status is JobState.EXPIRED
    assert job.error is None


def test_what_the_worker_found_wrong_is_the_error() -> None:
    job = describe(RECORD, QueueEntry(JobStatus.FINISHED, outcome=NO_FACE), START)
    assert job.error == NO_FACE.failure


def test_a_crash_is_an_internal_error_that_may_be_retried() -> None:
    job = describe(RECORD, QueueEntry(JobStatus.FAILED), START)
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == (ErrorCode.INTERNAL, True)


def test_a_waiting_job_knows_its_place() -> None:
    progress = describe(RECORD, QueueEntry(JobStatus.QUEUED, position=3), START).progress
    assert (progress.stage, progress.queue_position) == ("queued", 3)


def test_a_running_job_estimates_its_end_from_what_is_done() -> None:
    done = Progress(stage="au", frames_done=20, frames_total=80)
    entry = QueueEntry(JobStatus.STARTED, started_at=START, progress=done)
    progress = describe(RECORD, entry, START + timedelta(seconds=2)).progress
    assert (progress.stage, progress.frames_done, progress.frames_total) == ("au", 20, 80)
    assert progress.eta_s == 6.0


def test_marks_of_the_caller_come_back() -> None:
    job = describe(RECORD, None, START)
    assert (job.client_ref, job.tags) == ("mine", ["a"])
    assert job.links.result == "/v1/jobs/job_1/result"
    assert "client_ref" not in job.options.model_dump()
