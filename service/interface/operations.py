"""All operations: their ids, the problems each may answer with, its headers, where to go next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.errors import Code, GatewayCode
from worker.contract import ErrorCode

Headers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Link:
    """A request that makes sense after an answer. `parameters` are OpenAPI runtime expressions."""

    to: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """`headers` and `links` go by the status they come with."""

    id: str
    codes: tuple[Code, ...] = ()
    headers: Headers = field(default_factory=dict)
    links: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)


_JOB = (GatewayCode.JOB_NOT_FOUND, GatewayCode.JOB_DELETED)
_BATCH = (GatewayCode.BATCH_NOT_FOUND,)
_UNUSABLE = (
    ErrorCode.EMPTY_FILE,
    ErrorCode.TOO_LARGE,
    ErrorCode.NOT_A_VIDEO,
    ErrorCode.UNSUPPORTED_CODEC,
    ErrorCode.NO_FACE,
    ErrorCode.TOO_LONG,
    ErrorCode.DEADLINE_EXCEEDED,
    GatewayCode.JOB_CANCELED,
    GatewayCode.EXPIRED,
)
_JOB_STEPS = (
    "get_job",
    "get_result",
    "follow_job",
    "cancel_job",
    "delete_job",
    "list_deliveries",
)
_BATCH_STEPS = ("get_batch", "list_batch_items", "get_batch_results", "cancel_batch")


def _job(job_id: str, *steps: str) -> tuple[Link, ...]:
    return tuple(Link(step, {"job_id": job_id}) for step in steps)


def _batch(batch_id: str, *steps: str) -> tuple[Link, ...]:
    return tuple(Link(step, {"batch_id": batch_id}) for step in steps)


_BODY_ID = "$response.body#/id"
_PATH_ID = "$request.path.job_id"

OPERATIONS: Mapping[str, Operation] = {
    "POST /v1/recognize": Operation(
        "recognize",
        codes=(
            *_UNUSABLE,
            GatewayCode.MALFORMED_REQUEST,
            GatewayCode.REQUEST_TIMEOUT,
            *_BATCH,
            GatewayCode.BATCH_CLOSED,
            GatewayCode.JOB_DELETED,
            GatewayCode.IDEMPOTENCY_KEY_REUSED,
            GatewayCode.WEBHOOK_TARGET_REFUSED,
            GatewayCode.RATE_LIMITED,
            GatewayCode.TOO_MANY_JOBS,
            GatewayCode.QUEUE_FULL,
            GatewayCode.STORAGE_FULL,
        ),
        headers={
            "202": ("Location", "Retry-After", "Preference-Applied", "Idempotent-Replayed"),
            "200": ("Location", "Preference-Applied", "Idempotent-Replayed"),
            "429": ("Retry-After",),
        },
        links={
            "202": _job(_BODY_ID, *_JOB_STEPS),
            "200": _job("$response.body#/job_id", *_JOB_STEPS),
        },
    ),
    "GET /v1/jobs": Operation(
        "list_jobs",
        codes=(GatewayCode.MALFORMED_REQUEST,),
        links={
            "200": (
                Link("list_jobs", {"cursor": "$response.body#/next_cursor"}),
                *_job("$response.body#/data/0/id", "get_job", "get_result"),
            )
        },
    ),
    "GET /v1/jobs/{job_id}": Operation(
        "get_job",
        codes=_JOB,
        headers={"200": ("ETag", "Retry-After"), "304": ("ETag", "Retry-After")},
        links={"200": _job(_BODY_ID, "get_result", "cancel_job", "delete_job", "list_deliveries")},
    ),
    "DELETE /v1/jobs/{job_id}": Operation(
        "delete_job",
        codes=(GatewayCode.JOB_NOT_FOUND,),
        headers={"204": ("Deletion-Receipt",)},
        links={"204": _job(_PATH_ID, "get_job", "get_result", "delete_job", "get_receipt")},
    ),
    "GET /v1/receipts/{job_id}": Operation(
        "get_receipt",
        codes=(GatewayCode.JOB_NOT_FOUND, GatewayCode.NOT_DELETED),
        headers={"409": ("Retry-After",)},
    ),
    "GET /.well-known/jwks.json": Operation("get_receipt_keys"),
    "POST /v1/jobs/{job_id}/cancel": Operation(
        "cancel_job",
        codes=_JOB,
        links={"200": _job(_BODY_ID, "get_job", "get_result", "delete_job")},
    ),
    "GET /v1/jobs/{job_id}/result": Operation(
        "get_result",
        codes=(
            *_JOB,
            *_UNUSABLE,
            GatewayCode.MALFORMED_REQUEST,
            GatewayCode.NOT_ACCEPTABLE,
            GatewayCode.RESULT_NOT_READY,
        ),
        headers={"200": ("Content-Disposition",), "409": ("Retry-After",)},
        links={"200": _job(_PATH_ID, "delete_job")},
    ),
    "GET /v1/jobs/{job_id}/events": Operation(
        "follow_job", codes=_JOB, links={"200": _job(_PATH_ID, "get_job", "get_result")}
    ),
    "GET /v1/jobs/{job_id}/deliveries": Operation(
        "list_deliveries",
        codes=_JOB,
        links={
            "200": (
                Link(
                    "redeliver",
                    {"job_id": _PATH_ID, "delivery_id": "$response.body#/data/0/id"},
                ),
            )
        },
    ),
    "POST /v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver": Operation(
        "redeliver",
        codes=(*_JOB, GatewayCode.DELIVERY_NOT_FOUND),
        links={"202": _job(_PATH_ID, "list_deliveries")},
    ),
    "GET /v1/webhooks/secret": Operation("get_webhook_secret"),
    "POST /v1/webhooks/secret/rotate": Operation("rotate_webhook_secret"),
    "POST /v1/batches": Operation(
        "create_batch",
        codes=(
            ErrorCode.TOO_LARGE,
            GatewayCode.MALFORMED_REQUEST,
            GatewayCode.WEBHOOK_TARGET_REFUSED,
        ),
        headers={"201": ("Location",)},
        links={"201": _batch(_BODY_ID, *_BATCH_STEPS)},
    ),
    "GET /v1/batches/{batch_id}": Operation(
        "get_batch", codes=_BATCH, links={"200": _batch(_BODY_ID, *_BATCH_STEPS[1:])}
    ),
    "GET /v1/batches/{batch_id}/items": Operation(
        "list_batch_items",
        codes=_BATCH,
        links={
            "200": (
                Link(
                    "list_batch_items",
                    {
                        "batch_id": "$request.path.batch_id",
                        "cursor": "$response.body#/next_cursor",
                    },
                ),
                *_job("$response.body#/data/0/job_id", "get_job", "get_result"),
            )
        },
    ),
    "POST /v1/batches/{batch_id}/cancel": Operation(
        "cancel_batch", codes=_BATCH, links={"200": _batch(_BODY_ID, "get_batch")}
    ),
    "GET /v1/batches/{batch_id}/results": Operation(
        "get_batch_results",
        codes=_BATCH,
        links={"200": _batch("$request.path.batch_id", "get_batch")},
    ),
    "GET /v1/models": Operation("list_models", codes=(GatewayCode.NOT_READY,)),
    "GET /v1/limits": Operation("get_limits", codes=(GatewayCode.NOT_READY,)),
    "GET /v1/health/live": Operation("is_alive"),
    "GET /v1/health/ready": Operation("is_ready", codes=(GatewayCode.NOT_READY,)),
}
"""By method and path. Every operation stands here: a missing one is an error."""

ANYWHERE: tuple[Code, ...] = (
    GatewayCode.UNAUTHENTICATED,
    GatewayCode.FORBIDDEN,
    GatewayCode.INVALID_REQUEST,
    ErrorCode.INTERNAL,
    GatewayCode.UNAVAILABLE,
)
"""Problems of every operation that names their status."""
