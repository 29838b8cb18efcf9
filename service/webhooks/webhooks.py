"""What the rest of the gateway asks of webhooks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import GatewayCode, ProblemError
from service.schemas import Delivery
from service.settings import GatewaySettings
from service.store.webhooks import Standing, WebhookStore
from service.webhooks.delivery import Courier
from service.webhooks.notices import NoticeSource
from service.webhooks.sender import Sender
from service.webhooks.signature import message_id, new_secret
from service.webhooks.targets import TargetGuard, TargetRefused

_ROTATION_OVERLAP_S = 24 * 3600
_LEASE_MARGIN_S = 30
_RESOLVE_S = 5


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Deliveries and secrets. Whether a subject belongs to the caller is checked before."""

    store: WebhookStore
    source: NoticeSource
    guard: TargetGuard
    sender: Sender

    @classmethod
    def plan(
        cls,
        settings: GatewaySettings,
        store: WebhookStore,
        source: NoticeSource,
        on_attempt: Callable[[str], None],
    ) -> "Webhooks":
        """As the settings want it; nothing is sent before `run`."""
        guard = TargetGuard(settings.webhook_networks)
        sender = Sender(
            store,
            source,
            Courier(guard, settings.webhook_timeout_s),
            retries_s=settings.webhook_retries_s,
            lease_s=settings.webhook_timeout_s + _LEASE_MARGIN_S,
            on_attempt=on_attempt,
        )
        return cls(store, source, guard, sender)

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        await self.sender.run()

    async def refuse_bad_target(self, url: str) -> None:
        """Raise a problem for a target nothing would be delivered to."""
        try:
            async with asyncio.timeout(_RESOLVE_S):
                await self.guard.check(url)
        except TargetRefused as refused:
            raise _refusal(str(refused)) from refused
        except TimeoutError as late:
            raise _refusal("its host name cannot be resolved") from late

    async def deliveries(self, subject_id: str) -> list[Delivery]:
        """The delivery of a job or batch, if it has one."""
        standing = await self.store.standing(subject_id)
        return [] if standing is None else [_delivery(subject_id, standing)]

    async def redeliver(self, subject_id: str, delivery_id: str) -> Delivery:
        """Deliver once more, now, also to a target that wanted no more. Raises ProblemError."""
        notice = await self.source(subject_id)
        standing = await self.store.standing(subject_id)
        if notice is None or standing is None or delivery_id != message_id(subject_id):
            raise ProblemError(GatewayCode.DELIVERY_NOT_FOUND, "The job has no such delivery.")
        await self.store.enable(notice.tenant, notice.url)
        await self.store.expedite(subject_id)
        return _delivery(subject_id, await self.store.standing(subject_id) or standing)

    async def secret(self, tenant: str) -> str:
        """What the tenant's webhooks are signed with; made when first asked for."""
        return (await self.store.secrets(tenant, new_secret()))[0]

    async def rotate_secret(self, tenant: str) -> str:
        """A new secret; the one before signs too, for a day."""
        return (await self.store.rotate(tenant, new_secret(), _ROTATION_OVERLAP_S))[0]

    async def forget(self, subject_id: str) -> None:
        """Erase what is due and what is logged of a subject."""
        await self.store.forget(subject_id)


def _delivery(subject_id: str, standing: Standing) -> Delivery:
    return Delivery(
        id=message_id(subject_id),
        job_id=subject_id,
        state="pending" if standing.is_open else standing.log.state,
        attempts=list(standing.log.attempts),
        next_attempt_at=standing.due_at,
    )


def _refusal(reason: str) -> ProblemError:
    return ProblemError(GatewayCode.WEBHOOK_TARGET_REFUSED, f"webhook_url: {reason}.")
