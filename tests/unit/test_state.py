from datetime import UTC, datetime, timedelta

import pytest
from rq.job import JobStatus

from service.cli.options import clip_options
from service.principal import LOCAL
from service.queue import QueueEntry
from service.schemas import ClipReceipt, RecognizeOptions
from service.state import JobRecord, Standing, canceled, describe, state_of, verdict
from service.store.names import twin_key
from worker.contract import ErrorCode, Faces, Failure, JobOutcome, JobState, Mode, Progress

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = JobRecord(
    id="job_1",
    tenant=LOCAL.tenant,
    key_id=LOCAL.key_id,
    created_at=BEGIN,
    deadline_at=BEGIN + timedelta(seconds=100),
    ttl_s=60,
    clip=ClipReceipt(sha256="00", bytes=1),
    options=RecognizeOptions(),
)
SOON = BEGIN + timedelta(seconds=10)
NO_FACE = Failure(code=ErrorCode.NO_FACE, detail="nobody there")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (JobStatus.QUEUED, JobState.QUEUED),
        (JobStatus.SCHEDULED, JobState.QUEUED),
        (JobStatus.DEFERRED, JobState.QUEUED),
        (JobStatus.STARTED, JobState.PROCESSING),
    ],
)
def test_a_job_that_has_not_ended_is_where_the_queue_says(
    status: JobStatus, state: JobState
) -> None:
    entry = QueueEntry(status)
    assert verdict(RECORD, entry, SOON) is None
    assert state_of(Standing(RECORD, None, entry), SOON) is state


@pytest.mark.parametrize(
    ("entry", "state", "code"),
    [
        (
            QueueEntry(JobStatus.FINISHED, outcome=JobOutcome(state=JobState.SUCCEEDED)),
            JobState.SUCCEEDED,
            None,
        ),
        (
            QueueEntry(
                JobStatus.FINISHED, outcome=JobOutcome(state=JobState.FAILED, failure=NO_FACE)
            ),
            JobState.FAILED,
            ErrorCode.NO_FACE,
        ),
        (
            QueueEntry(JobStatus.FINISHED, outcome=JobOutcome(state=JobState.CANCELED)),
            JobState.CANCELED,
            None,
        ),
        (QueueEntry(JobStatus.FINISHED), JobState.FAILED, ErrorCode.INTERNAL),
        (QueueEntry(JobStatus.FAILED), JobState.FAILED, ErrorCode.INTERNAL),
        (QueueEntry(JobStatus.STOPPED), JobState.CANCELED, None),
        (QueueEntry(JobStatus.CANCELED), JobState.CANCELED, None),
        (None, JobState.FAILED, ErrorCode.INTERNAL),
    ],
)
def test_every_end_in_the_queue_is_an_end_of_the_job(
    entry: QueueEntry | None, state: JobState, code: ErrorCode | None
) -> None:
    settled = verdict(RECORD, entry, SOON)
    assert settled is not None
    assert settled.state is state
    assert (settled.failure.code if settled.failure else None) == code
    assert settled.expires_at == SOON + timedelta(seconds=RECORD.ttl_s)


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.STARTED, JobStatus.SCHEDULED])
def test_the_deadline_ends_what_has_not_ended(status: JobStatus) -> None:
    settled = verdict(RECORD, QueueEntry(status), RECORD.deadline_at)
    assert settled is not None
    assert settled.failure is not None
    assert settled.failure.code is ErrorCode.DEADLINE_EXCEEDED
    assert settled.failure.limit == 100


def test_what_has_ended_expires_with_its_time_to_live() -> None:
    standing = Standing(RECORD, canceled(RECORD, None, SOON))
    assert state_of(standing, SOON + timedelta(seconds=59)) is JobState.CANCELED
    assert state_of(standing, SOON + timedelta(seconds=60)) is JobState.EXPIRED


def test_the_time_left_follows_the_frames_done() -> None:
    progress = Progress(stage="action_units", frames_done=20, frames_total=80)
    entry = QueueEntry(JobStatus.STARTED, started_at=BEGIN, progress=progress)
    seen = describe(Standing(RECORD, None, entry), SOON).progress
    assert (seen.stage, seen.frames_done, seen.frames_total) == ("action_units", 20, 80)
    assert seen.eta_s == 30


def test_the_time_left_in_the_queue_follows_the_pace_of_the_workers() -> None:
    entry = QueueEntry(JobStatus.QUEUED)
    standing = Standing(RECORD, None, entry, position=6, pace_s=2.0, workers=3)
    seen = describe(standing, SOON).progress
    assert (seen.queue_position, seen.eta_s) == (6, 6.0)


def test_the_worker_is_told_what_was_asked_for() -> None:
    options = clip_options(
        None, None, recognizer="au", mode=Mode.SPOT, faces=Faces.ALL, explain=True
    )
    payload = RECORD.model_copy(update={"options": options}).payload()
    assert (payload.recognizer, payload.mode, payload.faces) == ("au", Mode.SPOT, Faces.ALL)
    assert payload.explain
    assert RECORD.payload().mode is Mode.CLIP
    assert not RECORD.payload().explain


def test_results_of_another_treatment_are_not_shared() -> None:
    told = ({}, {"explain": True}, {"mode": "spot"}, {"faces": "all"}, {"recognizer": "au"})
    records = (
        RECORD.model_copy(update={"options": RecognizeOptions.model_validate(options)})
        for options in told
    )
    assert len({twin_key(record, "sha256:model") for record in records}) == len(told)
