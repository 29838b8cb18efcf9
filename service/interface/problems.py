"""An example of every problem the description shows."""

from collections.abc import Mapping

from service.errors import Code, GatewayCode, ProblemError, problem_of
from service.schemas import Problem
from worker.contract import ErrorCode

_REQUEST_ID = "req_0f3b6a51c7d84e0d9a2f"

_EXAMPLES = (
    ProblemError(ErrorCode.EMPTY_FILE, "The uploaded file holds no bytes.", limit=1, measured=0),
    ProblemError(
        ErrorCode.TOO_LARGE,
        "A clip may have 209715200 bytes.",
        limit=209_715_200,
        measured=1_073_741_824,
    ),
    ProblemError(ErrorCode.NOT_A_VIDEO, "The file is none of mp4, mov, webm, mkv, avi, zip."),
    ProblemError(ErrorCode.UNSUPPORTED_CODEC, "The video is coded as prores."),
    ProblemError(ErrorCode.NO_FACE, "No face was found in any of the frames looked at."),
    ProblemError(ErrorCode.TOO_LONG, "The clip lasts longer than 60 s.", limit=60.0, measured=61.4),
    ProblemError(ErrorCode.DEADLINE_EXCEEDED, "The job did not end before its deadline."),
    ProblemError(ErrorCode.INTERNAL, "The error was logged under this request's id."),
    ProblemError(GatewayCode.MALFORMED_REQUEST, "There was an error parsing the body"),
    ProblemError(
        GatewayCode.INVALID_REQUEST,
        "options.ttl_s: from 60 to 604800 seconds.",
        limit=60,
        measured=1,
    ),
    ProblemError(GatewayCode.NOT_ACCEPTABLE, "Results come as application/json, text/csv."),
    ProblemError(GatewayCode.JOB_NOT_FOUND, "No job has this id."),
    ProblemError(GatewayCode.RESULT_NOT_READY, "The job is processing."),
    ProblemError(GatewayCode.JOB_CANCELED, "A canceled job has no result."),
    ProblemError(GatewayCode.JOB_DELETED, "The job and all its data were deleted."),
    ProblemError(GatewayCode.EXPIRED, "The result was kept until 2026-03-02T12:30:02Z."),
    ProblemError(
        GatewayCode.NOT_DELETED, "It was not deleted, or what a worker holds of it is being erased."
    ),
    ProblemError(GatewayCode.BATCH_NOT_FOUND, "No batch has this id."),
    ProblemError(GatewayCode.BATCH_CLOSED, "The batch was canceled."),
    ProblemError(GatewayCode.DELIVERY_NOT_FOUND, "The job has no such delivery."),
    ProblemError(
        GatewayCode.UNAUTHENTICATED,
        "Send a valid key in the header `Authorization: Bearer madv_…`.",
    ),
    ProblemError(
        GatewayCode.FORBIDDEN,
        "This needs a key with the scope `submit`.",
        extensions={"scope": "submit"},
    ),
    ProblemError(
        GatewayCode.REQUEST_TIMEOUT, "The body did not arrive within 900 seconds.", limit=900
    ),
    ProblemError(
        GatewayCode.IDEMPOTENCY_KEY_REUSED,
        "The same key came before with another clip or other options.",
    ),
    ProblemError(
        GatewayCode.WEBHOOK_TARGET_REFUSED, "webhook_url: its address is not a public one."
    ),
    ProblemError(GatewayCode.RATE_LIMITED, "This key may submit 600 per 1 minute."),
    ProblemError(GatewayCode.TOO_MANY_JOBS, "This key may have 8 jobs under way at once.", limit=8),
    ProblemError(GatewayCode.QUEUE_FULL, "50000 jobs are waiting already.", limit=50_000),
    ProblemError(GatewayCode.STORAGE_FULL, "There is no room for this clip now."),
    ProblemError(GatewayCode.NOT_READY, "No worker has started yet."),
    ProblemError(
        GatewayCode.UNAVAILABLE, "The queue or the storage cannot be reached; try again shortly."
    ),
)


def example_problems() -> Mapping[Code, Problem]:
    """By their codes."""
    return {example.code: problem_of(example, _REQUEST_ID) for example in _EXAMPLES}
