"""Examples of requests and answers: made of the models themselves, so that they cannot be wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from service.interface.report import example_report
from service.openface import csv_of
from service.receipts import DeletionReceipt, JsonWebKey, JsonWebKeySet
from service.schemas import (
    Attempt,
    Batch,
    BatchCounts,
    BatchItem,
    BatchItemPage,
    BatchItemRequest,
    BatchLinks,
    BatchRequest,
    BatchResult,
    BatchStatus,
    Check,
    ClipReceipt,
    Deliveries,
    Delivery,
    Job,
    JobLinks,
    JobOptions,
    JobPage,
    JobProgress,
    Limits,
    Liveness,
    Models,
    Rate,
    Readiness,
    RecognizeOptions,
    StatusEvent,
    WebhookSecret,
)
from worker.contract import AnalysisReport, ClipLimits, JobState, Metric, ModelCard

_JOB_ID = "job_3f0c9a6be1d24f0f8b7a5d2c4e6f8091"
_BATCH_ID = "batch_7be2f1f06d9b4c1a8e53c0d1a4f2b690"
_CURSOR = "1772368200250-0"
_AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
_DAY_S = 86_400
_REF = "S01/EP02_01f.mp4"


def example_options() -> RecognizeOptions:
    """Of an upload."""
    return RecognizeOptions(client_ref=_REF, tags=["night1"], ttl_s=_DAY_S)


def examples() -> Mapping[str, BaseModel]:
    """Of bodies in JSON, by the name of their schema."""
    report = example_report(_JOB_ID)
    shown = (
        report,
        *_jobs(report),
        *_batches(),
        *_deliveries(),
        WebhookSecret(secret="whsec_ZXhhbXBsZSBvbmx5LCBub2JvZHkncyBzZWNyZXQ="),  # noqa: S106  # says it
        *_receipts(),
        Models(data=[_card(report)]),
        _limits(),
        Liveness(),
        Readiness(checks={"redis": Check(ok=True, detail="answers")}),
    )
    return {type(example).__name__: example for example in shown}


def texts() -> Mapping[str, str]:
    """Of bodies that are no JSON document, by media type."""
    report = example_report(_JOB_ID)
    event = StatusEvent(id=_JOB_ID, status=JobState.PROCESSING).model_dump_json()
    line = BatchResult(
        cursor=_CURSOR,
        client_ref=_REF,
        job_id=_JOB_ID,
        status=JobState.SUCCEEDED,
        error=None,
        result=report,
    )
    return {
        "text/csv": csv_of(report),
        "text/event-stream": f"id: {_CURSOR}\nevent: status\ndata: {event}\n\n",
        "application/x-ndjson": line.model_dump_json(by_alias=True) + "\n",
    }


def _jobs(report: AnalysisReport) -> tuple[BaseModel, ...]:
    base = f"/v1/jobs/{_JOB_ID}"
    job = Job(
        id=_JOB_ID,
        status=JobState.QUEUED,
        created_at=_AT,
        started_at=None,
        finished_at=None,
        deadline_at=_AT + timedelta(days=1),
        expires_at=_AT + timedelta(days=2),
        progress=JobProgress(stage="queued", queue_position=3, eta_s=4.5),
        error=None,
        links=JobLinks(
            self=base,
            result=f"{base}/result",
            events=f"{base}/events",
            cancel=f"{base}/cancel",
            deliveries=f"{base}/deliveries",
        ),
        clip=ClipReceipt(sha256=report.clip.sha256, bytes=183_204),
        options=JobOptions(ttl_s=_DAY_S, deadline_s=_DAY_S),
        client_ref=_REF,
        tags=["night1"],
        batch_id=None,
        deduplicated_from=None,
    )
    return job, JobPage(data=[job], next_cursor=None)


def _batches() -> tuple[BaseModel, ...]:
    base = f"/v1/batches/{_BATCH_ID}"
    counts = BatchCounts(
        total=4, awaiting=1, queued=1, processing=1, succeeded=1, failed=0, canceled=0
    )
    batch = Batch(
        id=_BATCH_ID,
        status=BatchStatus.OPEN,
        created_at=_AT,
        finished_at=None,
        expires_at=_AT + timedelta(days=14),
        counts=counts,
        options=JobOptions(),
        client_ref=None,
        tags=["night1"],
        links=BatchLinks(
            self=base, items=f"{base}/items", results=f"{base}/results", cancel=f"{base}/cancel"
        ),
    )
    request = BatchRequest(
        items=[BatchItemRequest(client_ref=_REF), BatchItemRequest(client_ref="S02/EP01.mp4")],
        options=JobOptions(ttl_s=_DAY_S),
        tags=["night1"],
    )
    items = BatchItemPage(data=[BatchItem(client_ref=_REF, job_id=_JOB_ID)], next_cursor=None)
    return batch, request, items


def _deliveries() -> tuple[BaseModel, ...]:
    delivery = Delivery(
        id=f"msg_{_JOB_ID}",
        job_id=_JOB_ID,
        state="pending",
        attempts=[Attempt(at=_AT, status=503)],
        next_attempt_at=_AT + timedelta(seconds=5),
    )
    return delivery, Deliveries(data=[delivery])


def _receipts() -> tuple[BaseModel, ...]:
    key = JsonWebKey(
        kid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    )
    receipt = DeletionReceipt(job_id=_JOB_ID, receipt="eyJhbGciOiJFZERTQSJ9.eyJzd….c2ln")
    return receipt, JsonWebKeySet(keys=[key])


def _card(report: AnalysisReport) -> ModelCard:
    figure = Metric(
        name="UF1",
        value=0.85,
        protocol="synthetic clips, identities not trained on",
        command="python -m training.evaluate --all",
    )
    return ModelCard(
        **report.model.model_dump(),
        labels=list(report.events[0].probabilities),
        action_units=report.action_units.names,
        licence="CC-BY-4.0",
        metrics=[figure],
    )


def _limits() -> Limits:
    clip = ClipLimits(
        max_bytes=209_715_200,
        max_pixels=9_000_000,
        min_frames=4,
        max_frames=20_000,
        max_duration_s=300.0,
        containers=["mp4", "mov", "webm", "mkv", "avi", "zip"],
        codecs=["h264", "hevc", "vp9"],
        archive_images=[".png", ".jpg"],
    )
    return Limits(
        clip=clip,
        ttl_s=(60, 7 * _DAY_S),
        deadline_s=(1, 7 * _DAY_S),
        wait_s=60,
        batch_items=50_000,
        rate=Rate(concurrency=8, submissions="600/minute"),
    )
