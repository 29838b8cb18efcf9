"""What routes ask for: the parts of one gateway, made by `create_app` and kept on the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.blobs import Blobs
from service.intake import Intake
from service.janitor import Janitor
from service.queue import ClipQueue
from service.readiness import ReadinessChecks
from service.receipts import Receipts
from service.settings import GatewaySettings
from service.store.audit import AuditTrail
from service.store.batches import BatchStore
from service.store.capabilities import CapabilityBoard
from service.store.events import Changes, EventLog
from service.store.jobs import JobStore
from service.store.listing import Listing
from service.store.rates import Rates
from service.store.standings import StandingsReader
from service.telemetry.meters import Meters
from service.webhooks.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything a route may use."""

    settings: GatewaySettings
    queue: ClipQueue
    jobs: JobStore
    listing: Listing
    events: EventLog
    changes: Changes
    batches: BatchStore
    blobs: Blobs
    board: CapabilityBoard
    intake: Intake
    rates: Rates
    webhooks: Webhooks
    janitor: Janitor
    readiness: ReadinessChecks
    meters: Meters
    standings: StandingsReader
    trail: AuditTrail
    receipts: Receipts


async def _gateway(request: Request) -> Gateway:
    gateway = request.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the app was not made by create_app")
    return gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
