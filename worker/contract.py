"""What gateway, worker and clients agree on: queue payload, error codes and the result document.

Imports pydantic and, of ours, other leaves alone, so that the gateway can import it without video,
arrays or models.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from worker import codes
from worker.explanation import Affine, Explanation
from worker.strict import Strict

QUEUE_NAME = "madv"
ANALYSE_FUNCTION = "worker.jobs.analyse"
PROBE_FUNCTION = "worker.jobs.probe"
PLOT_FUNCTION = "worker.jobs.plot"
PROBE_KEY = "madv:probe"
"""Redis key of the latest `ProbeReport`, as JSON."""
PROGRESS_META_KEY = "progress"
CAPABILITIES_KEY = "madv:capabilities"
"""Redis key of what the workers can do: `Capabilities`, as JSON, written when one starts."""
CHANGES_CHANNEL = "madv:changes"
"""Redis channel on which the id of every job is published that has come a step further."""
EVENTS_KEPT = 1000
"""Events a job's stream holds at most."""
RECOGNIZERS = ("madvnet", "msjfn", "affectivenet", "afn", "ensemble", "au")
"""The first is taken where none is asked for. `ensemble` is the mean of those before it; `au`
measures action units and infers no emotion."""


ErrorCode = codes.ErrorCode
"""Stable codes of everything that can be wrong with a clip or befall its job."""


class Faces(StrEnum):
    """Whose report is wanted."""

    MAIN = "main"
    ALL = "all"


class Mode(StrEnum):
    """What is sought in a clip."""

    CLIP = "clip"
    SPOT = "spot"


class JobState(StrEnum):
    """States of a job; the last four are terminal."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Failure(Strict):
    """Why a clip has no result. `limit` and `measured` are set where a limit was passed."""

    code: ErrorCode
    detail: str
    retryable: bool = False
    limit: float | None = None
    measured: float | None = None


class JobPayload(Strict):
    """What travels through the queue: references only, never clip bytes."""

    job_id: str
    clip_key: str
    result_key: str
    sha256: str
    recognizer: str = RECOGNIZERS[0]
    mode: Mode = Mode.CLIP
    faces: Faces = Faces.MAIN
    explain: bool = False
    store_input: bool = False
    fps: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Of an archive of frames."
    )
    traceparent: str | None = Field(default=None, description="Leads to the upload's trace.")


class PlotPayload(Strict):
    """A stored result to be drawn."""

    result_key: str
    plot_key: str


class JobOutcome(Strict):
    """What the worker returns through RQ; the result itself lies in the blob store."""

    state: Literal[JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED]
    failure: Failure | None = None
    model_digest: str | None = Field(default=None, description="Which model a result is of.")


class Progress(Strict):
    """How far a job has come; frame counts are None while unknown."""

    stage: str
    frames_done: int | None = None
    frames_total: int | None = None


class EventKind(StrEnum):
    """Kinds of entries in a job's event stream."""

    STATUS = "status"
    PROGRESS = "progress"


class ProbeReport(Strict):
    """The latest inference a worker proved: at its start, by a probe job, or by a clip."""

    at: datetime
    backend: str
    latency_ms: float


class Metric(Strict):
    """One measured figure of a model, with what it was measured on."""

    name: str
    value: float
    protocol: str
    command: str


class ModelCard(Strict):
    """A recognizer as callers choose it."""

    name: str
    version: str
    digest: str
    preprocess: str
    labels: list[str] = Field(description="Empty where no emotion is inferred.")
    action_units: list[str]
    trained_on: list[str]
    licence: str
    metrics: list[Metric]


class ClipLimits(Strict):
    """What the workers take; whatever passes a limit fails with the code of that limit."""

    max_bytes: int
    max_pixels: int = Field(description="Width times height of a frame.")
    min_frames: int
    max_frames: int
    max_duration_s: float
    containers: list[str]
    codecs: list[str]
    archive_images: list[str] = Field(description="Suffixes of frames in a .zip.")


class Capabilities(Strict):
    """What workers announce when they start."""

    models: list[ModelCard]
    limits: ClipLimits


class ClipInfo(Strict):
    """The clip as decoded, after rotation."""

    sha256: str
    frames: int
    duration_s: float
    fps: float
    vfr: bool
    width: int
    height: int
    rotation: int


class Adequacy(Strict):
    """Whether the frame rate can show a micro-expression."""

    verdict: Literal["good", "coarse", "inadequate"]
    reason: str


class FaceInfo(Strict):
    """The analysed face on the frame the alignment was taken from (pixels, after rotation)."""

    frame: int
    box: tuple[float, float, float, float]
    confidence: float
    alignment: Affine = Field(description="2x3 similarity that maps frame pixels to crop pixels")


class ModelInfo(Strict):
    """Which recognizer answered, and what it was trained on."""

    name: str
    version: str
    digest: str
    preprocess: str
    trained_on: list[str]


class Prediction(Strict):
    """Class probabilities of the strongest event (each sums to 1)."""

    label: str
    probabilities: dict[str, float]
    coarse: dict[str, float] = Field(description="positive, negative, surprise, given an event")
    confidence: Literal["calibrated", "uncalibrated"]
    abstained: bool
    level_probabilities: dict[str, dict[str, float]] = Field(
        description="the same from the low, mid and high level heads alone; empty by a recognizer "
        "without levels"
    )
    gate: dict[str, float] = Field(
        description="weights of the dynamic fusion, sum 1; empty by a recognizer without"
    )


class Event(Strict):
    """One micro-expression: seconds on the clip's clock, AU intensities at the apex."""

    onset_s: float
    apex_s: float
    offset_s: float
    onset_frame: int
    apex_frame: int
    offset_frame: int
    probabilities: dict[str, float] = Field(description="Empty where no emotion is inferred.")
    action_units: dict[str, float] = Field(description="Of the side that changes more.")
    sides: dict[Literal["left", "right"], dict[str, float]] = Field(
        default={},
        description="The same of each side of the face, the person's own left and right. Empty in "
        "results of earlier versions, as `evidence` is.",
    )
    evidence: str = Field(
        default="",
        description="The action units that stand out, strongest first, as a sentence: how far each "
        "is at the apex from where it was at the onset, how soon, and on which side.",
    )
    explanation: Explanation | None = Field(default=None, description="Null unless asked for.")


class FrameRow(Strict):
    """One decoded frame; `intensity` follows `ActionUnitTrace.names`, null unless analysed."""

    index: int
    pts_s: float
    status: Literal["ok", "low_confidence", "no_face", "decode_error"]
    confidence: float
    intensity: list[float] | None


class ActionUnitTrace(Strict):
    """AU intensities for every decoded frame."""

    scale: str = "FACS 0-5, change against the onset frame"
    names: list[str]
    frames: list[FrameRow]


class TrackedFace(Strict):
    """One of the faces of a clip, with all that is said of it."""

    track_id: int = Field(
        description="The same face from start to end: 0 is the main one, the others follow in the "
        "order in which they come, larger ones first."
    )
    face: FaceInfo
    prediction: Prediction | None = Field(description="Null where that of the clip may be.")
    events: list[Event]
    action_units: ActionUnitTrace


class DecodeInfo(Strict):
    """What the decoder saw."""

    container: str
    codec: str
    frames_decoded: int
    frames_used: int
    warnings: list[str]


class AnalysisReport(Strict):
    """The result document, schema `madv.result/1`."""

    schema_: Literal["madv.result/1"] = Field("madv.result/1", alias="schema")
    job_id: str | None
    mode: Mode = Field(default=Mode.CLIP, description="What was sought.")
    clip: ClipInfo
    adequacy: Adequacy
    face: FaceInfo
    model: ModelInfo
    prediction: Prediction | None = Field(
        description="Null by a recognizer that infers no emotion, and where mode `spot` finds no "
        "event."
    )
    events: list[Event] = Field(
        description="Of the main face, strongest first: ten at most, or all of them in mode `spot`."
    )
    action_units: ActionUnitTrace
    faces: list[TrackedFace] = Field(
        default=[], description="Every face, the main one first; empty unless asked for."
    )
    decode: DecodeInfo
    timings_ms: dict[str, float]

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True
    )


def clip_key(job_id: str) -> str:
    """Blob key of a job's uploaded clip."""
    return f"clips/{job_id}"


def result_key(job_id: str) -> str:
    """Blob key of a job's result document."""
    return f"results/{job_id}.json"


def plot_key(job_id: str) -> str:
    """Blob key of the plot of a job's result."""
    return f"plots/{job_id}.png"


def job_key(job_id: str) -> str:
    """Redis key of a job's record: a hash, gone once the job is deleted.

    Workers only ask whether `SETTLED_FIELD` is there: the job has ended, nobody wants its result.
    """
    return f"madv:job:{job_id}"


SETTLED_FIELD = "settled"


def events_key(job_id: str) -> str:
    """Redis key of a job's event stream; entries have the fields `kind` and `data` (JSON).

    The gateway makes it. Whoever adds to it must not make it anew: it may have been erased.
    """
    return f"madv:events:{job_id}"
