"""What this service offers: models and limits."""

from fastapi import APIRouter

from service.auth import Reader
from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError
from service.following import LONGEST_WAIT_S
from service.routes.responses import problems
from service.schemas import BATCH_ITEMS, Limits, Models, Rate
from worker.contract import Capabilities

router = APIRouter(prefix="/v1", tags=["service"])


@router.get("/models", responses=problems(401, 403, 503))
async def models(caller: Reader, gateway: GatewayDep) -> Models:  # noqa: ARG001  # needs a key
    """The recognizers: labels, version, digest, training data, figures with their protocol."""
    offered = gateway.settings.recognizers
    return Models(data=[m for m in (await _announced(gateway)).models if m.name in offered])


@router.get("/limits", responses=problems(401, 403, 503))
async def limits(caller: Reader, gateway: GatewayDep) -> Limits:
    """What a clip, a request and your key may ask for."""
    settings = gateway.settings
    clip = (await _announced(gateway)).limits
    most_bytes = min(clip.max_bytes, settings.max_upload_bytes)
    return Limits(
        clip=clip.model_copy(update={"max_bytes": most_bytes}),
        ttl_s=(settings.result_ttl_min_s, settings.result_ttl_max_s),
        deadline_s=(1, settings.job_deadline_max_s),
        wait_s=LONGEST_WAIT_S,
        batch_items=BATCH_ITEMS,
        rate=Rate(concurrency=caller.concurrency, submissions=caller.rate),
    )


async def _announced(gateway: Gateway) -> Capabilities:
    found = await gateway.board.read()
    if found is None:
        raise ProblemError(
            GatewayCode.NOT_READY,
            "No worker has started yet.",
            headers={"Retry-After": str(gateway.settings.retry_after_s)},
        )
    return found
