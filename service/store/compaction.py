"""Redis' append-only file holds what was erased until it is written anew."""

from redis.asyncio import Redis
from redis.exceptions import ResponseError

_LATELY = "madv:compacted"


class Compaction:
    """Has Redis rewrite its file now and then, so that deletions reach the disk."""

    def __init__(self, redis: Redis, interval_s: float) -> None:
        self._redis = redis
        self._interval_s = interval_s

    async def run_if_due(self) -> None:
        """Ask for it, unless some gateway did so within the interval."""
        lately_ms = int(1000 * self._interval_s)
        if not await self._redis.set(_LATELY, b"1", nx=True, px=lately_ms):
            return
        try:
            kept = await self._redis.info("persistence")
            if kept.get("aof_enabled"):
                await self._redis.bgrewriteaof()
        except ResponseError:
            return  # under way already, or left to whoever runs this Redis
