"""Whether a clip sent now would be analysed: Redis, blobs, a worker, and a proven inference."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi.concurrency import run_in_threadpool

from service import blobs as blob_store
from service.blobs import Blobs
from service.queue import ClipQueue
from service.schemas import Check
from service.store import connection
from service.store.jobs import JobStore, utc_now


@dataclass(frozen=True, slots=True)
class ReadinessChecks:
    """Checks every part; each answer says what was found."""

    jobs: JobStore
    queue: ClipQueue
    blobs: Blobs
    probe_after_s: float
    probe_stale_s: float

    async def run(self) -> dict[str, Check]:
        """All checks by name."""
        return {
            "redis": await _checked(self._redis),
            "blobs": await _checked(self._blobs),
            "worker": await _checked(self._worker),
            "inference": await _checked(self._inference),
        }

    async def _redis(self) -> Check:
        await self.jobs.ping()
        return Check(ok=True, detail="answers")

    async def _blobs(self) -> Check:
        await self.blobs.check()
        return Check(ok=True, detail="answers")

    async def _worker(self) -> Check:
        count = await run_in_threadpool(self.queue.live_workers)
        return Check(ok=count > 0, detail=f"{count} with a heartbeat")

    async def _inference(self) -> Check:
        return await run_in_threadpool(self._proof, utc_now())

    def _proof(self, now: datetime) -> Check:
        """Judge the last proven inference, and ask for a new one where it is old."""
        probe = self.queue.last_probe()
        if probe is None:
            self.queue.enqueue_probe()
            return Check(ok=False, detail="none proven yet")
        age_s = (now - probe.at).total_seconds()
        if age_s > self.probe_after_s:
            self.queue.enqueue_probe()
        return Check(
            ok=age_s <= self.probe_stale_s,
            detail=f"proven {age_s:.0f} s ago by {probe.backend} in {probe.latency_ms:.0f} ms",
        )


async def _checked(check: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await check()
    except (*connection.OUTAGES, *blob_store.OUTAGES) as outage:
        return Check(ok=False, detail=f"unreachable ({type(outage).__name__})")
