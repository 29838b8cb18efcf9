"""Erases what has expired, and puts the jobs of dead workers back in the queue."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime

from fastapi.concurrency import run_in_threadpool

from service import blobs as blob_store
from service import jobs as job_store
from service.blobs import Blobs
from service.jobs import JobStore, utc_now
from service.queue import ClipQueue
from worker.contract import clip_key, result_key

_BATCH = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Runs beside the gateway; several may run at once, every step can be repeated."""

    jobs: JobStore
    queue: ClipQueue
    blobs: Blobs
    deadline_s: int
    interval_s: float

    async def run(self) -> None:
        """Sweep until cancelled. An outage of a neighbour only delays the next round."""
        while True:
            try:
                await run_in_threadpool(self.queue.recover)
                await self.sweep(utc_now())
            except (*job_store.OUTAGES, *blob_store.OUTAGES) as outage:
                log.warning("sweeping is put off: %s", outage)
            await asyncio.sleep(self.interval_s)

    async def sweep(self, now: datetime) -> int:
        """Erase clips, results and queue data of jobs expired at `now`; how many."""
        ids = await run_in_threadpool(
            self.jobs.erasable, now, grace_s=self.deadline_s, limit=_BATCH
        )
        for job_id in ids:
            await self.blobs.delete(clip_key(job_id))
            await self.blobs.delete(result_key(job_id))
            await run_in_threadpool(self.jobs.forget, job_id)
        return len(ids)
