"""Deliveries of webhooks, and the secret they are signed with."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.access import owned_job
from service.auth import Admin, Reader, Submitter
from service.dependencies import GatewayDep
from service.routes.responses import problems
from service.schemas import Deliveries, Delivery, WebhookSecret

router = APIRouter(prefix="/v1", tags=["webhooks"])

JobId = Annotated[str, Path(description="As answered by POST /v1/recognize.", max_length=64)]
DeliveryId = Annotated[str, Path(description="The `webhook-id` header.", max_length=80)]


@router.get("/jobs/{job_id}/deliveries", responses=problems(401, 403, 404, 410, 422, 503))
async def deliveries(job_id: JobId, caller: Reader, gateway: GatewayDep) -> Deliveries:
    """What became of the job's webhook. Empty where it has none, or has not ended."""
    await owned_job(gateway, caller, job_id)
    return Deliveries(data=await gateway.webhooks.deliveries(job_id))


@router.post(
    "/jobs/{job_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=problems(401, 403, 404, 410, 422, 503),
)
async def redeliver(
    job_id: JobId, delivery_id: DeliveryId, caller: Submitter, gateway: GatewayDep
) -> Delivery:
    """Deliver once more, now, with the same `webhook-id`.

    A target that was disabled, because it answered 410, gets webhooks again from then on.
    """
    await owned_job(gateway, caller, job_id)
    return await gateway.webhooks.redeliver(job_id, delivery_id)


@router.get("/webhooks/secret", responses=problems(401, 403, 503))
async def secret(caller: Admin, gateway: GatewayDep, response: Response) -> WebhookSecret:
    """What your webhooks are signed with; made when first asked for."""
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecret(secret=await gateway.webhooks.secret(caller.tenant))


@router.post("/webhooks/secret/rotate", responses=problems(401, 403, 503))
async def rotate_secret(caller: Admin, gateway: GatewayDep, response: Response) -> WebhookSecret:
    """A new secret. For 24 hours webhooks carry a signature by the one before, too."""
    response.headers["Cache-Control"] = "no-store"
    return WebhookSecret(secret=await gateway.webhooks.rotate_secret(caller.tenant))
