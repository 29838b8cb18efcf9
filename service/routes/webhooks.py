"""Deliveries of webhooks, and the secret they are signed with."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.auth import Admin, Principal, Reader, Submitter
from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError
from service.schemas import Deliveries, Delivery, WebhookSecret
from service.store.jobs import Deleted, utc_now

router = APIRouter(prefix="/v1", tags=["webhooks"])

JobId = Annotated[str, Path(description="As answered by POST /v1/recognize.", max_length=64)]
DeliveryId = Annotated[str, Path(description="The `webhook-id` header.", max_length=80)]


@router.get("/jobs/{job_id}/deliveries")
async def deliveries(job_id: JobId, caller: Reader, gateway: GatewayDep) -> Deliveries:
    """What became of the job's webhook. Empty where it has none, or has not ended."""
    await _refuse_unless_owned(job_id, caller, gateway)
    return Deliveries(data=await gateway.webhooks.deliveries(job_id))


@router.post("/jobs/{job_id}/deliveries/{delivery_id}/redeliver", status_code=202)
async def redeliver(
    job_id: JobId, delivery_id: DeliveryId, caller: Submitter, gateway: GatewayDep
) -> Delivery:
    """Deliver once more, now, with the same `webhook-id`.

    A target that was disabled, because it answered 410, gets webhooks again from then on.
    """
    await _refuse_unless_owned(job_id, caller, gateway)
    return await gateway.webhooks.redeliver(job_id, delivery_id)


@router.get("/webhooks/secret")
async def secret(caller: Admin, gateway: GatewayDep, response: Response) -> WebhookSecret:
    """What your webhooks are signed with; made when first asked for."""
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecret(secret=await gateway.webhooks.secret(caller.tenant))


@router.post("/webhooks/secret/rotate")
async def rotate_secret(caller: Admin, gateway: GatewayDep, response: Response) -> WebhookSecret:
    """A new secret. For 24 hours webhooks carry a signature by the one before, too."""
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecret(secret=await gateway.webhooks.rotate_secret(caller.tenant))


async def _refuse_unless_owned(job_id: str, caller: Principal, gateway: Gateway) -> None:
    """Another tenant's job is as good as none."""
    found = await gateway.jobs.find(job_id, utc_now())
    tenant = found.tenant if isinstance(found, Deleted) else found and found.record.tenant
    if tenant != caller.tenant:
        raise ProblemError(GatewayCode.JOB_NOT_FOUND, "No job has this id.")
    if isinstance(found, Deleted):
        raise ProblemError(GatewayCode.JOB_DELETED, "The job was deleted.")
