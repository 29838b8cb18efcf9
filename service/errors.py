"""Problems (RFC 9457): every error a caller can meet, its status and its wording, in one place.

ProblemError              raised by routes; carries a code, turned into problem+json here
RequestValidationError    FastAPI's, becomes `invalid-request`
HTTPException             Starlette's (404, 405, broken multipart), mapped by status
outages of Redis or blobs become `unavailable`
anything else             becomes `internal`, logged with its traceback, told without it
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from service.allowed import allowed_methods
from service.request_id import HEADER, request_id_of
from service.schemas import Problem
from worker.contract import ErrorCode, Failure

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class GatewayCode(StrEnum):
    """Stable codes of problems with a request rather than with a clip."""

    MALFORMED_REQUEST = "malformed-request"
    INVALID_REQUEST = "invalid-request"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    JOB_NOT_FOUND = "job-not-found"
    RESULT_NOT_READY = "result-not-ready"
    JOB_CANCELED = "job-canceled"
    JOB_DELETED = "job-deleted"
    EXPIRED = "expired"
    NOT_DELETED = "not-deleted"
    BATCH_NOT_FOUND = "batch-not-found"
    BATCH_CLOSED = "batch-closed"
    DELIVERY_NOT_FOUND = "delivery-not-found"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISDIRECTED = "misdirected"
    ORIGIN_REFUSED = "origin-refused"
    REQUEST_TIMEOUT = "request-timeout"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    WEBHOOK_TARGET_REFUSED = "webhook-target-refused"
    RATE_LIMITED = "rate-limited"
    TOO_MANY_JOBS = "too-many-jobs"
    QUEUE_FULL = "queue-full"
    STORAGE_FULL = "storage-full"
    NOT_READY = "not-ready"
    UNAVAILABLE = "unavailable"


Code = ErrorCode | GatewayCode


@dataclass(frozen=True, slots=True)
class Kind:
    """What all problems of one code have in common."""

    status: HTTPStatus
    title: str
    retryable: bool = False


_UNUSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

KINDS: Mapping[Code, Kind] = {
    ErrorCode.EMPTY_FILE: Kind(HTTPStatus.BAD_REQUEST, "The file is empty"),
    ErrorCode.TOO_LARGE: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The file is too large"),
    ErrorCode.NOT_A_VIDEO: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The file is not a video"),
    ErrorCode.UNSUPPORTED_CODEC: Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The video codec is not supported"
    ),
    ErrorCode.NO_VIDEO_STREAM: Kind(_UNUSABLE, "The file holds no video stream"),
    ErrorCode.DAMAGED_VIDEO: Kind(_UNUSABLE, "The video is damaged"),
    ErrorCode.NO_FRAMES: Kind(_UNUSABLE, "The video holds no frames"),
    ErrorCode.TOO_SHORT: Kind(_UNUSABLE, "The video is too short"),
    ErrorCode.TOO_LONG: Kind(_UNUSABLE, "The video is too long"),
    ErrorCode.TOO_MANY_FRAMES: Kind(_UNUSABLE, "The video has too many frames"),
    ErrorCode.TOO_MANY_PIXELS: Kind(_UNUSABLE, "The video has too many pixels per frame"),
    ErrorCode.BAD_ARCHIVE: Kind(_UNUSABLE, "The archive is no sequence of numbered frames"),
    ErrorCode.NO_FACE: Kind(_UNUSABLE, "No face was found"),
    ErrorCode.DEADLINE_EXCEEDED: Kind(
        HTTPStatus.GATEWAY_TIMEOUT, "The analysis took too long", retryable=True
    ),
    ErrorCode.INTERNAL: Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side", retryable=True
    ),
    GatewayCode.MALFORMED_REQUEST: Kind(HTTPStatus.BAD_REQUEST, "The request is malformed"),
    GatewayCode.INVALID_REQUEST: Kind(_UNUSABLE, "The request is not valid"),
    GatewayCode.NOT_FOUND: Kind(HTTPStatus.NOT_FOUND, "There is nothing at this address"),
    GatewayCode.METHOD_NOT_ALLOWED: Kind(
        HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed here"
    ),
    GatewayCode.NOT_ACCEPTABLE: Kind(
        HTTPStatus.NOT_ACCEPTABLE, "None of the accepted media types can be made"
    ),
    GatewayCode.JOB_NOT_FOUND: Kind(HTTPStatus.NOT_FOUND, "There is no such job"),
    GatewayCode.RESULT_NOT_READY: Kind(
        HTTPStatus.CONFLICT, "The result is not ready yet", retryable=True
    ),
    GatewayCode.JOB_CANCELED: Kind(HTTPStatus.CONFLICT, "The job was canceled"),
    GatewayCode.JOB_DELETED: Kind(HTTPStatus.GONE, "The job was deleted"),
    GatewayCode.EXPIRED: Kind(HTTPStatus.GONE, "It has expired"),
    GatewayCode.NOT_DELETED: Kind(HTTPStatus.CONFLICT, "The job has not been deleted"),
    GatewayCode.BATCH_NOT_FOUND: Kind(HTTPStatus.NOT_FOUND, "There is no such batch"),
    GatewayCode.BATCH_CLOSED: Kind(HTTPStatus.CONFLICT, "The batch takes no more clips"),
    GatewayCode.DELIVERY_NOT_FOUND: Kind(HTTPStatus.NOT_FOUND, "There is no such delivery"),
    GatewayCode.UNAUTHENTICATED: Kind(HTTPStatus.UNAUTHORIZED, "A valid API key is needed"),
    GatewayCode.FORBIDDEN: Kind(HTTPStatus.FORBIDDEN, "The API key does not permit this"),
    GatewayCode.MISDIRECTED: Kind(
        HTTPStatus.MISDIRECTED_REQUEST, "Without keys only loopback is answered"
    ),
    GatewayCode.ORIGIN_REFUSED: Kind(
        HTTPStatus.FORBIDDEN, "Pages of other origins may not change anything here"
    ),
    GatewayCode.REQUEST_TIMEOUT: Kind(
        HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive", retryable=True
    ),
    GatewayCode.IDEMPOTENCY_KEY_REUSED: Kind(
        _UNUSABLE, "The idempotency key belongs to another request"
    ),
    GatewayCode.WEBHOOK_TARGET_REFUSED: Kind(_UNUSABLE, "The webhook's target is not allowed"),
    GatewayCode.RATE_LIMITED: Kind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many clips in too short a time", retryable=True
    ),
    GatewayCode.TOO_MANY_JOBS: Kind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many jobs are under way", retryable=True
    ),
    GatewayCode.QUEUE_FULL: Kind(HTTPStatus.TOO_MANY_REQUESTS, "The queue is full", retryable=True),
    GatewayCode.STORAGE_FULL: Kind(
        HTTPStatus.INSUFFICIENT_STORAGE, "The storage is full", retryable=True
    ),
    GatewayCode.NOT_READY: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "The service is not ready", retryable=True
    ),
    GatewayCode.UNAVAILABLE: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "A part of the service is unavailable", retryable=True
    ),
}

_CODE_OF_STATUS: Mapping[int, GatewayCode] = {
    404: GatewayCode.NOT_FOUND,
    405: GatewayCode.METHOD_NOT_ALLOWED,
    406: GatewayCode.NOT_ACCEPTABLE,
    422: GatewayCode.INVALID_REQUEST,
    503: GatewayCode.UNAVAILABLE,
}


@dataclass
class ProblemError(Exception):
    """A request that ends in a problem. `extensions` become further members of the document."""

    code: Code
    detail: str
    limit: float | None = None
    measured: float | None = None
    retryable: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def of_failure(cls, failure: Failure) -> "ProblemError":
        """The failure of a job as the answer to a request."""
        return cls(
            failure.code,
            failure.detail,
            limit=failure.limit,
            measured=failure.measured,
            retryable=failure.retryable,
        )


def problem_of(error: ProblemError, request_id: str) -> Problem:
    """The problem document of an error."""
    kind = KINDS[error.code]
    return Problem(
        type=f"urn:madv:problem:{error.code}",
        title=kind.title,
        status=kind.status,
        detail=error.detail,
        code=error.code,
        request_id=request_id,
        retryable=kind.retryable if error.retryable is None else error.retryable,
        limit=error.limit,
        measured=error.measured,
        **error.extensions,
    )


def problem_response(error: ProblemError, request_id: str) -> Response:
    """The response a caller gets for an error."""
    return JSONResponse(
        problem_of(error, request_id).model_dump(mode="json", exclude_none=True),
        status_code=KINDS[error.code].status,
        media_type=MEDIA_TYPE,
        # Set here too: the outermost handler answers outside the middleware that sets it.
        headers={**error.headers, HEADER: request_id},
    )


def install_handlers(app: FastAPI, outages: tuple[type[Exception], ...]) -> None:
    """Make every error of `app` a problem; `outages` are the errors of unreachable neighbours."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = as_problem(error, outages)
        if problem.code is GatewayCode.METHOD_NOT_ALLOWED:
            problem.headers = {**problem.headers, "Allow": allowed_methods(request)}
        return problem_response(problem, request_id_of(request.scope))

    for kind in (ProblemError, RequestValidationError, HTTPException, *outages, Exception):
        app.add_exception_handler(kind, answer)


def invalid_fields(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """Which fields of a request are wrong, without echoing what was sent (pydantic's errors)."""
    found = [
        {"field": ".".join(map(str, error["loc"])), "message": str(error["msg"])}
        for error in errors
    ]
    return ProblemError(
        GatewayCode.INVALID_REQUEST,
        "; ".join(f"{error['field']}: {error['message']}" for error in found),
        extensions={"errors": [dict(error) for error in found]},
    )


def as_problem(error: Exception, outages: tuple[type[Exception], ...]) -> ProblemError:
    """What a caller is told of any error."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            return invalid_fields(error.errors())
        case HTTPException():
            code = _CODE_OF_STATUS.get(error.status_code, GatewayCode.MALFORMED_REQUEST)
            return ProblemError(code, str(error.detail), headers=error.headers or {})
        case _ if isinstance(error, outages):
            log.error("unavailable: %s", error)
            return ProblemError(
                GatewayCode.UNAVAILABLE,
                "The queue or the storage cannot be reached; try again shortly.",
                headers={"Retry-After": "5"},
            )
        case _:
            # It is handed on to the server, which logs it with its traceback.
            return ProblemError(ErrorCode.INTERNAL, "The error was logged under this request's id.")
