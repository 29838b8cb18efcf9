"""Is the process up; would a clip sent now be analysed."""

from fastapi import APIRouter

from service.dependencies import GatewayDep
from service.errors import GatewayCode, ProblemError
from service.routes.responses import problems
from service.schemas import Liveness, Readiness

router = APIRouter(prefix="/v1/health", tags=["health"])


@router.get("/live")
async def live() -> Liveness:
    """The process answers; says nothing about its neighbours."""
    return Liveness()


@router.get("/ready", responses=problems(503))
async def ready(gateway: GatewayDep) -> Readiness:
    """Redis, blob store, a worker's heartbeat and one recent real inference, each reported.

    503 with the same `checks` in the problem unless all hold.
    """
    checks = await gateway.readiness.run()
    failing = [name for name, check in checks.items() if not check.ok]
    if failing:
        raise ProblemError(
            GatewayCode.NOT_READY,
            f"Not working: {', '.join(failing)}.",
            headers={"Retry-After": str(gateway.settings.retry_after_s)},
            extensions={"checks": {name: check.model_dump() for name, check in checks.items()}},
        )
    return Readiness(checks=checks)
