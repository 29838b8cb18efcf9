"""Jobs: followed, canceled, deleted, listed, and their results."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import AwareDatetime

from service.access import owned_job, refuse_unless_succeeded, seen
from service.audit.chain import Action
from service.auth import Deleter, Principal, Reader, Submitter
from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError
from service.following import LONGEST_WAIT_S, wait_until
from service.negotiation import best_of
from service.receipts import HEADER as RECEIPT_HEADER
from service.rendering import job_document
from service.routes.receipts import receipt_of
from service.routes.responses import (
    CSV_TYPE,
    PARQUET_TYPE,
    PNG_TYPE,
    RESULT_TYPES,
    is_known,
    problems,
    result_response,
    tagged,
)
from service.schemas import Job, JobPage
from service.state import PENDING, Standing
from service.store.jobs import utc_now
from service.store.listing import BadCursor, Filter
from worker.contract import AnalysisReport, EventKind, JobState

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

JobId = Annotated[str, Path(description="As answered by POST /v1/recognize.", max_length=64)]
IfNoneMatch = Annotated[str | None, Header(description="The ETag you have.")]
Wait = Annotated[
    int, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to hold the answer back at most.")
]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_EVENT = {
    "type": "object",
    "description": "One event: the stream is a sequence of them.",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string", "enum": [*EventKind]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_KEEP_ALIVE_S = 15.0
_EVENT_STREAM = "text/event-stream"


@router.get("", responses=problems(400, 401, 403, 422, 503))
async def jobs(  # noqa: PLR0913, PLR0917  # each is a filter
    caller: Reader,
    gateway: GatewayDep,
    status: JobState | None = None,
    tag: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    created_after: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> JobPage:
    """Your jobs, newest first. A page may hold fewer than `limit` and still have a next one."""
    wanted = Filter(status, tag, created_after)
    try:
        return await gateway.listing.page(caller.tenant, wanted, limit, cursor, utc_now())
    except BadCursor as exc:
        raise ProblemError(
            GatewayCode.INVALID_REQUEST, "cursor: none of this interface's."
        ) from exc


@router.get(
    "/{job_id}",
    response_model=Job,
    responses={
        304: {"description": "Nothing has changed since the ETag"},
        **problems(401, 403, 404, 410, 422, 503),
    },
)
async def job(
    job_id: JobId,
    caller: Reader,
    gateway: GatewayDep,
    wait: Wait = 0,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The job, whatever its state.

    With `wait` the answer is held back until the job has ended or, where `If-None-Match` is sent,
    until anything has changed. `Retry-After` suggests when to ask again.
    """

    async def look() -> Job:
        return seen(await owned_job(gateway, caller, job_id))

    def is_enough(found: Job) -> bool:
        if if_none_match is not None:
            return not is_known(job_document(found)[1], if_none_match)
        return found.status not in PENDING

    found = await wait_until(gateway.changes, job_id, look, is_enough, wait)
    is_pending = found.status in PENDING
    retry = {"Retry-After": str(gateway.settings.retry_after_s)} if is_pending else {}
    return tagged(found, if_none_match, retry)


@router.delete("/{job_id}", status_code=204, responses=problems(401, 403, 404, 422, 503))
async def delete(job_id: JobId, caller: Deleter, gateway: GatewayDep, response: Response) -> None:
    """Erase the job: clip, result, plot, events, webhook log. A running analysis is stopped.

    The id answers 410 from then on. Deleting twice is no error. `Deletion-Receipt` is a signed
    statement that nothing is kept; it comes later where a worker is just being stopped.
    """
    try:
        standing = await owned_job(gateway, caller, job_id)
    except ProblemError as problem:
        if problem.code is not GatewayCode.JOB_DELETED:
            raise
    else:
        await _erase(gateway, caller, standing)
    if receipt := await receipt_of(gateway, caller, job_id):
        response.headers[RECEIPT_HEADER] = receipt


async def _erase(gateway: Gateway, caller: Principal, standing: Standing) -> None:
    job_id, now = standing.record.id, utc_now()
    await gateway.trail.note(Action.DELETE, caller, job_id)
    settled = await gateway.jobs.cancel(standing, now)
    await gateway.jobs.forget(Standing(standing.record, settled or standing.settled))
    await gateway.jobs.let_go(job_id, now)
    await gateway.janitor.erase_blobs(job_id)
    await gateway.webhooks.forget(job_id)


@router.post("/{job_id}/cancel", responses=problems(401, 403, 404, 410, 422, 503))
async def cancel(job_id: JobId, caller: Submitter, gateway: GatewayDep) -> Job:
    """End the job without a result, queued or running. One that has ended stays as it is."""
    standing = await owned_job(gateway, caller, job_id)
    if standing.settled is None:
        await gateway.trail.note(Action.CANCEL, caller, job_id)
    settled = await gateway.jobs.cancel(standing, utc_now())
    return seen(Standing(standing.record, settled or standing.settled))


@router.get(
    "/{job_id}/result",
    response_model=None,
    responses={
        200: {
            "model": AnalysisReport,
            "content": {
                CSV_TYPE: {"schema": {"type": "string"}},
                PARQUET_TYPE: _BINARY,
                PNG_TYPE: _BINARY,
            },
        },
        **problems(400, 401, 403, 404, 406, 409, 410, 413, 415, 422, 503, 504),
    },
)
async def result(
    job_id: JobId,
    caller: Reader,
    gateway: GatewayDep,
    accept: Annotated[str, Header()] = "*/*",
) -> Response:
    """The result as JSON, its AU trace as CSV (OpenFace's column names) or Parquet, or its plot.

    A job that has failed answers with the problem it failed with.
    """
    media_type = best_of(accept, RESULT_TYPES)
    if media_type is None:
        offered = ", ".join(RESULT_TYPES)
        raise ProblemError(GatewayCode.NOT_ACCEPTABLE, f"Results come as {offered}.")
    found = seen(await owned_job(gateway, caller, job_id))
    refuse_unless_succeeded(found, gateway.settings.retry_after_s)
    return await result_response(gateway, caller, found, media_type, {})


async def _followed(job_id: JobId, caller: Reader, gateway: GatewayDep) -> Principal:
    """Refuses before the stream starts, while a status can still be sent."""
    await owned_job(gateway, caller, job_id)
    return caller


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_EVENT_STREAM: {"schema": _EVENT}}},
        **problems(401, 403, 404, 410, 422, 503),
    },
)
async def events(
    job_id: JobId,
    caller: Annotated[Principal, Depends(_followed)],
    gateway: GatewayDep,
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^\d{1,19}-\d{1,19}$", description="Resume after this event."),
    ] = None,
) -> StreamingResponse:
    """What happens to the job, as server-sent events, until it has ended.

    `status` carries `{"id", "status"}`; `progress` the stage and frames, or, while the job
    waits, its place in the queue (these have no id: they are not repeated).
    """
    stream = _stream(job_id, caller, gateway, last_event_id or "0")
    return StreamingResponse(
        stream,
        media_type=_EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    job_id: str, caller: Principal, gateway: Gateway, last_id: str
) -> AsyncIterator[bytes]:
    place: str | None = None
    with gateway.changes.of(job_id) as changed:
        while True:
            changed.clear()
            try:
                found = seen(await owned_job(gateway, caller, job_id))
            except ProblemError:
                return  # deleted meanwhile: there is nothing more to tell
            while page := await gateway.events.after(job_id, last_id):
                for event in page:
                    last_id = event.id
                    yield format_sse_event(event=event.kind, data_str=event.data, id=event.id)
            if found.status not in PENDING:
                return
            now_at = found.progress.model_dump_json()
            if found.status is JobState.QUEUED and now_at != place:
                place = now_at
                yield format_sse_event(event=EventKind.PROGRESS, data_str=place)
            yield await _pause(changed)


async def _pause(changed: asyncio.Event) -> bytes:
    """Wait for a change; a comment keeps proxies from giving up."""
    try:
        async with asyncio.timeout(_KEEP_ALIVE_S):
            await changed.wait()
    except TimeoutError:
        return format_sse_event(comment="waiting")
    return b""
