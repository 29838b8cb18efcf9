"""Batches: many clips followed as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from service.access import owned_batch
from service.audit.chain import Action
from service.auth import Principal, Reader, Submitter
from service.dependencies import Gateway, GatewayDep
from service.following import LONGEST_WAIT_S
from service.permitted import as_permitted
from service.routes.recognize import refuse_out_of_range
from service.routes.responses import problems
from service.schemas import Batch, BatchItemPage, BatchRequest, BatchResult
from service.state import Standing, state_of
from service.store.batches import BatchRecord, Finished, describe_batch, new_batch_id
from service.store.jobs import utc_now
from worker.contract import AnalysisReport, JobState, result_key

router = APIRouter(prefix="/v1/batches", tags=["batches"])

BatchId = Annotated[str, Path(description="As answered by POST /v1/batches.", max_length=64)]
NDJSON_TYPE = "application/x-ndjson"
_PAGE = 50
_LOOK_ANYWAY_S = 5.0


@router.post("", status_code=201, responses=problems(400, 401, 403, 413, 422, 503))
async def create(
    request: BatchRequest, caller: Submitter, gateway: GatewayDep, response: Response
) -> Batch:
    """Announce clips. Each is then uploaded with `options.batch_id` and its `client_ref`.

    Uploading an item twice makes one job.
    """
    refuse_out_of_range(request.options.ttl_s, request.options.deadline_s, gateway.settings)
    if request.webhook_url is not None:
        await gateway.webhooks.refuse_bad_target(str(request.webhook_url))
    now = utc_now()
    settings = gateway.settings
    kept_s = settings.job_deadline_max_s + settings.result_ttl_max_s
    record = BatchRecord(
        id=new_batch_id(),
        tenant=caller.tenant,
        created_at=now,
        expires_at=now + timedelta(seconds=kept_s),
        total=len(request.items),
        options=as_permitted(request.options, settings.recognizers),
        client_ref=request.client_ref,
        tags=request.tags,
        webhook_url=request.webhook_url,
    )
    await gateway.batches.create(record, [item.client_ref for item in request.items])
    batch = describe_batch(await owned_batch(gateway, caller, record.id))
    response.headers["Location"] = batch.links.self
    return batch


@router.get("/{batch_id}", responses=problems(401, 403, 404, 422, 503))
async def batch(batch_id: BatchId, caller: Reader, gateway: GatewayDep) -> Batch:
    """The batch, with how many of its items are in which state."""
    return describe_batch(await owned_batch(gateway, caller, batch_id))


@router.get("/{batch_id}/items", responses=problems(401, 403, 404, 422, 503))
async def items(
    batch_id: BatchId,
    caller: Reader,
    gateway: GatewayDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,6}$")] = None,
) -> BatchItemPage:
    """The items in the order of the manifest, and the jobs they became."""
    found = await owned_batch(gateway, caller, batch_id)
    start = int(cursor or 0)
    end = start + limit
    return BatchItemPage(
        data=await gateway.batches.items(batch_id, start, limit),
        next_cursor=str(end) if end < found.record.total else None,
    )


@router.post("/{batch_id}/cancel", responses=problems(401, 403, 404, 422, 503))
async def cancel(batch_id: BatchId, caller: Submitter, gateway: GatewayDep) -> Batch:
    """Take no more clips, and cancel the jobs that have not ended."""
    found = await owned_batch(gateway, caller, batch_id)
    now = utc_now()
    if found.finished_at is None:
        for job_id in await gateway.batches.close(batch_id, now):
            standing = await gateway.jobs.find(job_id, now)
            if isinstance(standing, Standing):
                await gateway.jobs.cancel(standing, now)
    return describe_batch(await owned_batch(gateway, caller, batch_id))


@router.get(
    "/{batch_id}/results",
    response_class=StreamingResponse,
    responses={
        200: {"model": BatchResult, "content": {NDJSON_TYPE: {}}},
        **problems(401, 403, 404, 422, 503),
    },
)
async def results(
    batch_id: BatchId,
    caller: Reader,
    gateway: GatewayDep,
    wait: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for further results.")
    ] = 0,
    cursor: Annotated[
        str | None, Query(pattern=r"^\d{1,19}-\d{1,19}$", description="Resume after this line.")
    ] = None,
) -> StreamingResponse:
    """One line of JSON (BatchResult) for each job that has ended, in the order of their ends."""
    await owned_batch(gateway, caller, batch_id)
    return StreamingResponse(
        _lines(batch_id, gateway, caller, cursor or "0", wait),
        media_type=NDJSON_TYPE,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(
    batch_id: str, gateway: Gateway, caller: Principal, cursor: str, wait_s: float
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    with gateway.changes.of(batch_id) as changed:
        while True:
            changed.clear()
            found = await gateway.batches.find(batch_id)
            page = await gateway.batches.finished_after(batch_id, cursor, _PAGE)
            for finished in page:
                cursor = finished.cursor
                yield (await _line(finished, gateway, caller)).model_dump_json(
                    by_alias=True
                ).encode() + b"\n"
            if page:
                continue
            left_s = deadline - loop.time()
            if left_s <= 0 or found is None or found.finished_at is not None:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, _LOOK_ANYWAY_S)):
                    await changed.wait()


async def _line(finished: Finished, gateway: Gateway, caller: Principal) -> BatchResult:
    now = utc_now()
    found = await gateway.jobs.find(finished.job_id, now)
    known = found if isinstance(found, Standing) else None
    is_kept = known is not None and state_of(known, now) is JobState.SUCCEEDED
    if is_kept:
        await gateway.trail.note(Action.READ_RESULT, caller, finished.job_id)
    return BatchResult(
        cursor=finished.cursor,
        client_ref=finished.client_ref,
        job_id=finished.job_id,
        status=finished.state,
        error=known.settled.failure if known and known.settled else None,
        result=await _report(finished.job_id, gateway) if is_kept else None,
    )


async def _report(job_id: str, gateway: Gateway) -> AnalysisReport | None:
    try:
        return AnalysisReport.model_validate_json(await gateway.blobs.read(result_key(job_id)))
    except FileNotFoundError:
        return None
