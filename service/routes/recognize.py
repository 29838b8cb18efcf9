"""The way in for clips."""

import re
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError

from service.access import refuse_unless_succeeded, seen
from service.auth import Principal, Submitter
from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError, invalid_fields
from service.following import LONGEST_WAIT_S, wait_until
from service.form import FILE, UploadForm
from service.intake import Admission
from service.permitted import as_permitted
from service.rendering import job_document
from service.routes.responses import JSON_TYPE, problems, result_response
from service.schemas import Job, RecognizeOptions
from service.settings import GatewaySettings
from service.state import PENDING, Standing
from service.store.jobs import utc_now
from service.upload import ClipStream, refuse_fps_mismatch
from worker.contract import AnalysisReport

router = APIRouter(prefix="/v1", tags=["recognize"])

LONGEST_KEY: Final = 255
OPTIONS: Final = "options"
UPLOAD_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "title": "Upload",
                "type": "object",
                "required": [FILE],
                "properties": {
                    FILE: {"type": "string", "contentMediaType": "application/octet-stream"},
                    OPTIONS: {
                        "type": "string",
                        "description": "JSON object, see RecognizeOptions.",
                        "default": "{}",
                    },
                },
            }
        }
    },
}
"""The form as it is described: it is read by `UploadForm`, which streams, and not by FastAPI."""

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,4})(?:$|[,;\s])", re.IGNORECASE)


@router.post(
    "/recognize",
    status_code=202,
    response_model=Job,
    responses={
        200: {"model": AnalysisReport, "description": "Done within `Prefer: wait`: the result"},
        **problems(400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503, 504, 507),
    },
    openapi_extra={"requestBody": UPLOAD_BODY},
)
async def recognize(
    gateway: GatewayDep,
    caller: Submitter,
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1, max_length=LONGEST_KEY, description="The same key makes one job only."
        ),
    ] = None,
    prefer: Annotated[
        str | None, Header(description="`wait=N`: answer with the result if done in N seconds.")
    ] = None,
) -> Response:
    """Take a clip and queue its analysis.

    A clip is an MP4, MOV, WebM, MKV or AVI file, or a `.zip` of numbered frames with
    `options.fps`.
    """
    return await take_upload(gateway, caller, request, idempotency_key, prefer)


async def take_upload(
    gateway: Gateway,
    caller: Principal,
    request: Request,
    idempotency_key: str | None,
    prefer: str | None,
) -> Response:
    """The answer to an upload of a caller who may submit. Raises ProblemError."""
    admitted = await _admitted(gateway, caller, UploadForm(request), idempotency_key)
    wait_s = _wait_s(prefer)
    standing = admitted.standing
    if standing is None or wait_s:
        standing = await wait_for_end(gateway, admitted.job_id, wait_s)
    job = seen(standing)
    headers = {"Location": job.links.self, "Retry-After": str(gateway.settings.retry_after_s)}
    if admitted.is_replay:
        headers["Idempotent-Replayed"] = "true"
    if wait_s:
        headers["Preference-Applied"] = f"wait={wait_s}"
        if job.status not in PENDING:
            refuse_unless_succeeded(job, gateway.settings.retry_after_s)
            return await result_response(gateway, caller, job, JSON_TYPE, headers)
    body, _ = job_document(job)
    return Response(body, HTTPStatus.ACCEPTED, headers, JSON_TYPE)


async def _admitted(
    gateway: Gateway, caller: Principal, form: UploadForm, idempotency_key: str | None
) -> Admission:
    """The clip stored and its job queued. What is wrong is said as soon as it can be known."""
    async with aclosing(form.clip()) as chunks:
        clip = ClipStream(chunks, gateway.settings.max_upload_bytes)
        container = await clip.container()
        if OPTIONS in form.fields:
            _options(form, container, gateway.settings)
        await gateway.rates.spend(caller)
        async with gateway.intake.draft(caller) as draft:
            await gateway.intake.store(draft, clip)
            wanted = _options(form, container, gateway.settings)
            wanted = await _checked(wanted, caller, gateway)
            return await gateway.intake.submit(draft, wanted, idempotency_key)


def _options(form: UploadForm, container: str, settings: GatewaySettings) -> RecognizeOptions:
    wanted = parse_options(form.fields.get(OPTIONS, "{}"), settings)
    refuse_fps_mismatch(container, wanted.fps)
    return wanted


def parse_options(text: str, settings: GatewaySettings) -> RecognizeOptions:
    """The options of an upload. Raises ProblemError."""
    try:
        parsed = RecognizeOptions.model_validate_json(text)
    except ValidationError as exc:
        raise invalid_fields(
            [{**error, "loc": ("options", *error["loc"])} for error in exc.errors()]
        ) from exc
    refuse_out_of_range(parsed.ttl_s, parsed.deadline_s, settings)
    return parsed


def refuse_out_of_range(
    ttl_s: int | None, deadline_s: int | None, settings: GatewaySettings
) -> None:
    """Raise a problem for a life or a deadline this service does not grant."""
    bounds = (
        ("ttl_s", ttl_s, settings.result_ttl_min_s, settings.result_ttl_max_s),
        ("deadline_s", deadline_s, 1, settings.job_deadline_max_s),
    )
    for name, asked, least, most in bounds:
        if asked is not None and not least <= asked <= most:
            raise ProblemError(
                GatewayCode.INVALID_REQUEST,
                f"options.{name}: from {least} to {most} seconds.",
                limit=least if asked < least else most,
                measured=asked,
            )


async def wait_for_end(gateway: Gateway, job_id: str, wait_s: int) -> Standing:
    """A job just submitted, once it has ended or `wait_s` later."""

    async def look() -> Standing:
        found = await gateway.jobs.find(job_id, utc_now())
        if not isinstance(found, Standing):
            raise ProblemError(GatewayCode.JOB_DELETED, "The job was deleted meanwhile.")
        return found

    return await wait_until(
        gateway.changes, job_id, look, lambda found: found.settled is not None, wait_s
    )


async def _checked(
    options: RecognizeOptions, caller: Principal, gateway: Gateway
) -> RecognizeOptions:
    """The options as they hold, batch defaults included. Raises ProblemError."""
    if options.webhook_url is not None:
        await gateway.webhooks.refuse_bad_target(str(options.webhook_url))
    if options.batch_id is not None:
        options = await _as_batch_item(options, caller, gateway)
    return as_permitted(options, gateway.settings.recognizers)


async def _as_batch_item(
    options: RecognizeOptions, caller: Principal, gateway: Gateway
) -> RecognizeOptions:
    found = await gateway.batches.find(options.batch_id or "")
    if found is None or found.record.tenant != caller.tenant:
        raise ProblemError(GatewayCode.BATCH_NOT_FOUND, "options.batch_id: no batch has this id.")
    if found.is_canceled:
        raise ProblemError(GatewayCode.BATCH_CLOSED, "The batch was canceled.")
    reference = options.client_ref
    if reference is None or not await gateway.batches.has_item(found.record.id, reference):
        raise ProblemError(
            GatewayCode.INVALID_REQUEST, "options.client_ref: none of the batch's items."
        )
    defaults = found.record.options.model_dump(exclude_unset=True)
    own = options.model_dump(exclude_unset=True)
    tags = [*dict.fromkeys((*found.record.tags, *options.tags))]
    return RecognizeOptions.model_validate({**defaults, **own, "tags": tags})


def _wait_s(prefer: str | None) -> int:
    found = _WAIT.search(prefer or "")
    return min(int(found.group(1)), LONGEST_WAIT_S) if found else 0
