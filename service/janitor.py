"""Sees to it that jobs end and that what has ended is erased, whatever died meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi.concurrency import run_in_threadpool

from service import blobs as blob_store
from service.audit.chain import Action
from service.blobs import Blobs
from service.queue import ClipQueue
from service.state import Standing
from service.store import connection
from service.store.agenda import Agenda
from service.store.audit import AuditTrail
from service.store.compaction import Compaction
from service.store.events import Changes
from service.store.jobs import JobStore, utc_now
from service.store.submission import Submissions
from worker.contract import JobState, clip_key, plot_key, result_key

_BATCH = 100
_BREATH_S = 0.05
"""Changes come in bursts: one look serves them all."""
_LOOK_AGAIN_S = 2
_RECOVER_S = 5.0
_OUTAGES = (*connection.OUTAGES, *blob_store.OUTAGES)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Janitor:
    """Runs beside the gateway; several may run at once, every step can be repeated."""

    jobs: JobStore
    submissions: Submissions
    agenda: Agenda
    queue: ClipQueue
    blobs: Blobs
    changes: Changes
    trail: AuditTrail
    compaction: Compaction
    interval_s: float

    async def settle_at_once(self) -> None:
        """Settle jobs as their workers finish them, until cancelled."""
        while True:
            self.changes.any.clear()
            await _unless_outage(self.settle_ended)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.interval_s):
                    await self.changes.any.wait()
            await asyncio.sleep(_BREATH_S)

    async def tidy_up(self) -> None:
        """All that may wait a little, until cancelled."""
        while True:
            await _unless_outage(self.tidy)
            await asyncio.sleep(self.interval_s)

    async def recover_lost(self) -> None:
        """Have jobs of dead workers tried again, until cancelled. Whoever waits, waits for this."""
        while True:
            await _unless_outage(lambda: run_in_threadpool(self.queue.recover))
            await asyncio.sleep(min(_RECOVER_S, self.interval_s))

    async def tidy(self) -> None:
        """One round."""
        now = utc_now()
        for job_id in await self.agenda.overdue(now, _BATCH):
            await _despite_bugs(self._end(job_id, now))
        for job_id in await self.agenda.unwanted(now, _BATCH):
            await _despite_bugs(self._erase_unless_held(job_id, now))
        for job_id in await self.agenda.expired(now, _BATCH):
            await _despite_bugs(self._expire(job_id))
        for job_id, key_id in await self.agenda.given_up(_BATCH):
            await _despite_bugs(self._give_up(job_id, key_id))
        await self.compaction.run_if_due()

    async def settle_ended(self) -> None:
        """Settle the jobs RQ has ended, and take them off its hands."""
        for job_id in await run_in_threadpool(self.queue.ended, _BATCH):
            await _despite_bugs(self._settle(job_id))

    async def erase_blobs(self, job_id: str) -> None:
        """Erase all files of a job."""
        for key in (clip_key(job_id), result_key(job_id), plot_key(job_id)):
            await self.blobs.delete(key)

    async def _settle(self, job_id: str) -> None:
        found = await self.jobs.find(job_id, utc_now())
        is_wanted = isinstance(found, Standing) and (
            found.settled is not None and found.settled.state is JobState.SUCCEEDED
        )
        if not is_wanted:
            await self.blobs.delete(result_key(job_id))
        if not isinstance(found, Standing):
            await self.erase_blobs(job_id)
        elif not found.record.options.store_input:
            # Its worker has, unless it died between the outcome and this.
            await self.blobs.delete(clip_key(job_id))
        await run_in_threadpool(self.queue.remove, job_id)

    async def _expire(self, job_id: str) -> None:
        await self.trail.note(Action.EXPIRE, None, job_id)
        await self.erase_blobs(job_id)
        await self.agenda.strike_off(job_id)

    async def _give_up(self, job_id: str, key_id: str) -> None:
        if await self.submissions.release(job_id, key_id):
            await self.erase_blobs(job_id)

    async def _end(self, job_id: str, now: datetime) -> None:
        """A job past its deadline: finding it settles it."""
        found = await self.jobs.find(job_id, now)
        if not isinstance(found, Standing):
            await self.agenda.strike_off(job_id)
        elif found.settled is not None and found.settled.state is not JobState.SUCCEEDED:
            await self.jobs.let_go(job_id, now)

    async def _erase_unless_held(self, job_id: str, now: datetime) -> None:
        if await run_in_threadpool(self.queue.is_held, job_id):
            await run_in_threadpool(self.queue.stop, job_id)
            await self.agenda.put_off(job_id, now + timedelta(seconds=_LOOK_AGAIN_S))
            return
        await run_in_threadpool(self.queue.remove, job_id)
        found = await self.jobs.find(job_id, now)
        if not isinstance(found, Standing):
            await self.erase_blobs(job_id)
        else:
            if found.settled is None or found.settled.state is not JobState.SUCCEEDED:
                await self.blobs.delete(result_key(job_id))
            if not found.record.options.store_input:
                await self.blobs.delete(clip_key(job_id))
        await self.agenda.settle_unwanted(job_id)


async def _unless_outage(step: Callable[[], Awaitable[None]]) -> None:
    """An outage of a neighbour, or a bug, only delays the next round."""
    try:
        await _despite_bugs(step())
    except _OUTAGES as outage:
        log.warning("put off: %s", outage)


async def _despite_bugs(work: Awaitable[None]) -> None:
    """One job that cannot be dealt with must not keep the others from being dealt with."""
    try:
        await work
    except _OUTAGES:
        raise
    except Exception:  # whatever it is, it is seen in the log and tried again
        log.exception("not done, and tried again in the next round")
