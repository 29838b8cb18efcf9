"""What the HTTP interface speaks, besides the result document of `worker.contract`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator

from worker.contract import (
    RECOGNIZERS,
    AnalysisReport,
    ClipLimits,
    Faces,
    Failure,
    JobState,
    Mode,
    ModelCard,
)

BATCH_ITEMS = 50_000
"""Items a batch may have."""

Tag = Annotated[str, Field(min_length=1, max_length=64)]
ClientRef = Annotated[
    str, Field(min_length=1, max_length=512, description="The caller's own id, such as a path.")
]


class JobOptions(BaseModel):
    """How a clip is treated."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    recognizer: str = Field(
        default=RECOGNIZERS[0],
        description="Which recognizer analyses the clip, see `/v1/models`.",
        json_schema_extra={"enum": list(RECOGNIZERS)},
    )
    mode: Mode = Field(
        default=Mode.CLIP,
        description="`clip`: the strongest event, and of a long clip up to ten; `spot`: every "
        "micro-expression of a video, or none. Strongest first.",
    )
    faces: Faces = Field(
        default=Faces.MAIN,
        description="`main`: the largest face of the first frames that show one; `all`: also "
        "`faces`, with rows and a prediction for each.",
    )
    explain: bool = Field(
        default=False,
        description="With each event an `explanation`: how far each part of the face moved, and "
        "where the recognizer looked.",
    )
    fps: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="Frames per second of an archive of frames; a video states its own.",
    )
    store_input: bool = Field(
        default=False,
        description="Keep the uploaded clip until the job expires, not only until decoded.",
    )
    deduplicate: bool = Field(
        default=True,
        description="Answer with an earlier result of your own for the same bytes, recognizer and "
        "model, where one is still kept.",
    )
    deadline_s: int | None = Field(
        default=None, ge=1, description="Seconds from the submission in which the job ends."
    )
    ttl_s: int | None = Field(
        default=None, ge=1, description="Seconds from the job's end until its result expires."
    )

    @field_validator("recognizer")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in RECOGNIZERS:
            raise ValueError(f"unknown recognizer, known are: {', '.join(RECOGNIZERS)}")
        return value


class RecognizeOptions(JobOptions):
    """The `options` field of an upload: treatment, and marks the caller wants back."""

    client_ref: ClientRef | None = None
    tags: list[Tag] = Field(default=[], max_length=16, description="Labels to find jobs by.")
    webhook_url: HttpUrl | None = Field(
        default=None, description="Told when the job has ended; https and public."
    )
    batch_id: str | None = Field(
        default=None,
        max_length=64,
        description="The batch this clip belongs to; `client_ref` says which of its items it is.",
    )


class ClipReceipt(BaseModel):
    """The clip as received."""

    sha256: str
    bytes: int


class JobProgress(BaseModel):
    """How far a job has come; what is unknown is null."""

    stage: str = Field(description="A stage of the analysis, or the job's status.")
    frames_done: int | None = None
    frames_total: int | None = None
    queue_position: int | None = Field(default=None, description="1 is next.")
    eta_s: float | None = Field(default=None, description="Estimated seconds until it ends.")


class JobLinks(BaseModel):
    """Where a job's parts are."""

    self: str
    result: str
    events: str
    cancel: str
    deliveries: str


class Job(BaseModel):
    """A clip's way through the service. Terminal states: succeeded, failed, canceled, expired."""

    id: str
    status: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime
    expires_at: datetime = Field(description="Of the result; at the latest, while not finished.")
    progress: JobProgress
    error: Failure | None
    links: JobLinks
    clip: ClipReceipt
    options: JobOptions
    client_ref: str | None
    tags: list[str]
    batch_id: str | None
    deduplicated_from: str | None = Field(
        description="The earlier job whose result this one shares."
    )


class JobPage(BaseModel):
    """Jobs, newest first."""

    data: list[Job]
    next_cursor: str | None = Field(description="Of the next page; null on the last.")


class BatchItemRequest(BaseModel):
    """A clip that is going to be uploaded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_ref: ClientRef


class BatchRequest(BaseModel):
    """A manifest: which clips will be uploaded, and what all of them have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: list[BatchItemRequest] = Field(min_length=1, max_length=BATCH_ITEMS)
    options: JobOptions = Field(default=JobOptions(), description="For uploads that say none.")
    client_ref: ClientRef | None = None
    tags: list[Tag] = Field(default=[], max_length=16, description="Given to each of its jobs.")
    webhook_url: HttpUrl | None = Field(
        default=None, description="Told when all items have ended; https and public."
    )

    @field_validator("items")
    @classmethod
    def _unique(cls, value: list[BatchItemRequest]) -> list[BatchItemRequest]:
        if len({item.client_ref for item in value}) < len(value):
            raise ValueError("each client_ref may stand in a batch once")
        return value


class BatchStatus(StrEnum):
    """States of a batch; the last three are terminal."""

    OPEN = "open"
    COMPLETE = "complete"
    CANCELED = "canceled"
    EXPIRED = "expired"


class BatchCounts(BaseModel):
    """How many items are in which state; they add up to `total`."""

    total: int
    awaiting: int = Field(description="Not uploaded yet.")
    queued: int
    processing: int
    succeeded: int
    failed: int
    canceled: int


class BatchLinks(BaseModel):
    """Where a batch's parts are."""

    self: str
    items: str
    results: str
    cancel: str


class Batch(BaseModel):
    """Many clips followed as one."""

    id: str
    status: BatchStatus
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    counts: BatchCounts
    options: JobOptions
    client_ref: str | None
    tags: list[str]
    links: BatchLinks


class BatchItem(BaseModel):
    """One clip of a batch. `job_id` is null until it is uploaded."""

    client_ref: str
    job_id: str | None


class BatchItemPage(BaseModel):
    """Items in the order of the manifest."""

    data: list[BatchItem]
    next_cursor: str | None


class BatchResult(BaseModel):
    """One line of a batch's results: a job that has ended.

    `result` is null unless it succeeded and its result is still kept. `cursor` resumes after it.
    """

    cursor: str
    client_ref: str
    job_id: str
    status: JobState
    error: Failure | None
    result: AnalysisReport | None


class StatusEvent(BaseModel):
    """Server-sent event `status`."""

    id: str
    status: JobState


class Models(BaseModel):
    """The recognizers that can be chosen."""

    data: list[ModelCard]


class Rate(BaseModel):
    """Submissions permitted to the key of this request."""

    concurrency: int | None = Field(description="Jobs under way at once; null is unlimited.")
    submissions: str | None = Field(description="Such as `600/minute`; null is unlimited.")


class Limits(BaseModel):
    """What a clip, a request and a key may ask for."""

    clip: ClipLimits
    ttl_s: tuple[int, int] = Field(description="Shortest and longest.")
    deadline_s: tuple[int, int] = Field(description="Shortest and longest.")
    wait_s: int = Field(description="Longest wait of one request.")
    batch_items: int
    rate: Rate


class Attempt(BaseModel):
    """One try to deliver a webhook."""

    at: datetime
    status: int | None = Field(description="The target's answer; null where there was none.")
    error: str | None = None


class Delivery(BaseModel):
    """The webhook of a job that has ended."""

    id: str = Field(description="The `webhook-id` header: the same for all attempts.")
    job_id: str
    state: Literal["pending", "delivered", "failed", "disabled"]
    attempts: list[Attempt]
    next_attempt_at: datetime | None


class Deliveries(BaseModel):
    """The delivery log of a job; empty where it has no webhook or has not ended."""

    data: list[Delivery]


class WebhookSecret(BaseModel):
    """What webhooks are signed with (Standard Webhooks)."""

    secret: str = Field(description="`whsec_` and base64.")


class Check(BaseModel):
    """One part the service cannot work without."""

    ok: bool
    detail: str


class Liveness(BaseModel):
    """The process answers."""

    status: str = "alive"


class Readiness(BaseModel):
    """Every part works: a clip sent now will be analysed."""

    status: str = "ready"
    checks: dict[str, Check]


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    retryable: bool
    limit: float | None = None
    measured: float | None = None
