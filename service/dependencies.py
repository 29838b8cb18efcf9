"""What routes ask for: the parts of one gateway, made by `create_app` and kept on the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.blobs import Blobs
from service.intake import Intake
from service.jobs import JobStore
from service.readiness import ReadinessChecks
from service.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a route may use."""

    settings: GatewaySettings
    jobs: JobStore
    blobs: Blobs
    intake: Intake
    readiness: ReadinessChecks


def _gateway(request: Request) -> Gateway:
    gateway = request.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the app was not made by create_app")
    return gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
