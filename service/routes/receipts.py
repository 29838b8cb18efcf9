"""Receipts for what was deleted, and what they are verified with."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool

from service.auth import Principal, Reader
from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError
from service.receipts import DeletionReceipt, JsonWebKeySet
from service.routes.responses import problems
from service.state import Standing
from service.store.jobs import utc_now
from service.store.reader import Deleted

router = APIRouter(tags=["receipts"])

JobId = Annotated[str, Path(description="Of a job that was deleted.", max_length=64)]


@router.get("/v1/receipts/{job_id}", responses=problems(401, 403, 404, 409, 422, 503))
async def receipt(job_id: JobId, caller: Reader, gateway: GatewayDep) -> DeletionReceipt:
    """A signed statement that nothing of the job is kept, for as long as its id answers 410."""
    found = await gateway.jobs.find(job_id, utc_now())
    if found is None or _tenant(found) != caller.tenant:
        raise ProblemError(GatewayCode.JOB_NOT_FOUND, "No job has this id.")
    signed = await receipt_of(gateway, caller, job_id)
    if signed is None:
        raise ProblemError(
            GatewayCode.NOT_DELETED,
            "It was not deleted, or what a worker holds of it is being erased.",
            headers={"Retry-After": str(gateway.settings.retry_after_s)},
        )
    return DeletionReceipt(job_id=job_id, receipt=signed)


@router.get("/.well-known/jwks.json", responses=problems(503))
async def keys(gateway: GatewayDep) -> JsonWebKeySet:
    """The public keys of deletion receipts. Keep them with the receipts."""
    return await gateway.receipts.keys()


async def receipt_of(gateway: Gateway, caller: Principal, job_id: str) -> str | None:
    """The receipt for a deleted job of the caller, None unless all of it is gone.

    What was interrupted is done again first; nothing is signed that was not looked at now.
    """
    now = utc_now()
    found = await gateway.jobs.find(job_id, now)
    if not isinstance(found, Deleted) or found.tenant != caller.tenant:
        return None
    if await run_in_threadpool(gateway.queue.is_held, job_id):
        return None
    await gateway.janitor.erase_blobs(job_id)
    return await gateway.receipts.sign(job_id, caller.tenant, now)


def _tenant(found: Standing | Deleted) -> str:
    return found.tenant if isinstance(found, Deleted) else found.record.tenant
