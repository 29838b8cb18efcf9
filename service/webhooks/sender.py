"""Takes what is due from the store and delivers it, until it arrives or its tries are used up."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom

from service.schemas import Attempt
from service.store.connection import OUTAGES
from service.store.webhooks import Claim, WebhookStore
from service.webhooks.delivery import Courier
from service.webhooks.notices import DeliveryLog, Notice, NoticeSource
from service.webhooks.signature import message_id, new_secret, signed_headers

_JITTER = 0.1
log = logging.getLogger(__name__)
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Sender:
    """Runs beside the gateway; several may run at once.

    `lease_s` is longer than an attempt can take: a delivery whose sender died is then taken over.
    Pauses between attempts, `retries_s`, vary by a tenth, so that failures do not come in waves.
    """

    store: WebhookStore
    source: NoticeSource
    courier: Courier
    retries_s: Sequence[float]
    lease_s: float
    on_attempt: Callable[[str], None]
    """Told what state an attempt has left a delivery in."""
    parallel: int = 32
    idle_s: float = 0.5

    async def run(self) -> None:
        """Deliver until cancelled, at most `parallel` at once."""
        slots = asyncio.Semaphore(self.parallel)
        async with asyncio.TaskGroup() as attempts:
            while True:
                await slots.acquire()
                claim = await self._next()
                if claim is None:
                    slots.release()
                    await asyncio.sleep(self.idle_s)
                else:
                    attempts.create_task(self._guarded(claim, slots))

    async def deliver(self, claim: Claim) -> None:
        """Make the attempt that was claimed, and keep what came of it."""
        notice = await self.source(claim.subject_id)
        if notice is None:
            await self.store.forget(claim.subject_id)
            return
        standing = await self.store.standing(claim.subject_id)
        before = DeliveryLog() if standing is None else standing.log
        if await self.store.is_disabled(notice.tenant, notice.url):
            await self.store.finish(claim, before.disabled(), None, notice.forgotten_at)
            return
        after = before.with_attempt(await self._attempt(notice), len(self.retries_s))
        self.on_attempt(after.state)
        if after.state == "disabled":
            await self.store.disable(notice.tenant, notice.url)
        pause_s = after.pause_s(self.retries_s)
        varied_s = None if pause_s is None else _varied(pause_s)
        await self.store.finish(claim, after, varied_s, notice.forgotten_at)

    async def _attempt(self, notice: Notice) -> Attempt:
        now = datetime.now(UTC)
        body = notice.body()
        secrets = await self.store.secrets(notice.tenant, new_secret())
        headers = signed_headers(message_id(notice.subject_id), body, now, secrets)
        answer = await self.courier.post(notice.url, headers, body.encode())
        return Attempt(at=now, status=answer.status, error=answer.error)

    async def _next(self) -> Claim | None:
        try:
            return await self.store.claim(self.lease_s)
        except OUTAGES as outage:
            log.warning("webhooks are put off: %s", outage)
            return None

    async def _guarded(self, claim: Claim, slots: asyncio.Semaphore) -> None:
        """One delivery that goes wrong on our side is tried again later and stops no other."""
        try:
            await self.deliver(claim)
        except OUTAGES as outage:
            log.warning("the webhook of %s is put off: %s", claim.subject_id, outage)
        except Exception:
            log.exception("the webhook of %s is put off", claim.subject_id)
        finally:
            slots.release()


def _varied(pause_s: float) -> float:
    return pause_s * _random.uniform(1 - _JITTER, 1 + _JITTER)
