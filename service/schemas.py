"""What the HTTP interface speaks, besides the result document of `worker.contract`."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from worker.contract import RECOGNIZERS, Failure, JobState

Tag = Annotated[str, Field(min_length=1, max_length=64)]


class JobOptions(BaseModel):
    """How a clip is treated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recognizer: str = Field(
        default=RECOGNIZERS[0], description="Which recognizer analyses the clip."
    )
    store_input: bool = Field(
        default=False,
        description="Keep the uploaded clip until the job expires, not only until decoded.",
    )
    ttl_s: int | None = Field(
        default=None, ge=60, description="Seconds until the job and its result expire."
    )

    @field_validator("recognizer")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in RECOGNIZERS:
            raise ValueError(f"unknown recognizer, known are: {', '.join(RECOGNIZERS)}")
        return value


class RecognizeOptions(JobOptions):
    """The `options` field of an upload: treatment, and marks the caller wants back."""

    client_ref: str | None = Field(default=None, max_length=128, description="The caller's own id.")
    tags: list[Tag] = Field(default=[], max_length=16, description="Labels to find jobs by.")


class ClipReceipt(BaseModel):
    """The clip as received."""

    sha256: str
    bytes: int


class JobProgress(BaseModel):
    """How far a job has come; what is unknown is null."""

    stage: str
    frames_done: int | None = None
    frames_total: int | None = None
    queue_position: int | None = Field(default=None, description="1 is next.")
    eta_s: float | None = Field(default=None, description="Estimated seconds until it ends.")


class JobLinks(BaseModel):
    """Where a job and its result are."""

    self: str
    result: str


class Job(BaseModel):
    """A clip's way through the service. Terminal states: succeeded, failed, canceled, expired."""

    id: str
    status: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
    progress: JobProgress
    error: Failure | None
    links: JobLinks
    clip: ClipReceipt
    options: JobOptions
    client_ref: str | None
    tags: list[str]


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
