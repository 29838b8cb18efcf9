"""How the queue stands and what the workers have counted, for those who run the service."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from redis.asyncio import Redis

from service.queue import ENQUEUED_AT, ClipQueue, job_hash
from service.store import names
from worker.telemetry.figures import TALLY_KEY, Count

_LOOKED_AT = 10
"""Of the waiting jobs: those put ahead of all others are the youngest, and few."""


@dataclass(frozen=True, slots=True)
class Standings:
    """Of all gateways and workers on one Redis, at one moment."""

    waiting: int
    oldest_age_s: float
    """Of a waiting job; 0 where none waits."""
    processing: int
    uploading: int
    workers: int
    """With a heartbeat."""
    tally: dict[Count, float]


class StandingsReader:
    """Reads them in two calls, however many jobs there are."""

    def __init__(self, redis: Redis, queue: ClipQueue) -> None:
        self._redis = redis
        self._queue = queue

    async def read(self, now: datetime) -> Standings:
        """As they are now. Raises one of `OUTAGES`."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.llen(self._queue.list_key)
            pipe.zcard(self._queue.started_key)
            pipe.zcard(names.RESERVATIONS)
            pipe.lrange(self._queue.list_key, 0, _LOOKED_AT - 1)
            pipe.smembers(self._queue.workers_key)
            pipe.hgetall(TALLY_KEY)
            waiting, processing, uploading, first, workers, tally = await pipe.execute()
        return Standings(
            waiting=waiting,
            oldest_age_s=await self._oldest_age_s(first, now),
            processing=processing,
            uploading=uploading,
            workers=await self._live(workers),
            tally={Count.of(field.decode()): float(value) for field, value in tally.items()},
        )

    async def _oldest_age_s(self, job_ids: list[bytes], now: datetime) -> float:
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(job_hash(job_id.decode()), ENQUEUED_AT)
            found = cast("list[bytes | None]", await pipe.execute())
        since = [datetime.fromisoformat(at.decode()).replace(tzinfo=UTC) for at in found if at]
        return max(0.0, (now - min(since)).total_seconds()) if since else 0.0

    async def _live(self, workers: set[bytes]) -> int:
        """RQ lets a worker's key lapse without a heartbeat."""
        return int(await self._redis.exists(*workers)) if workers else 0
