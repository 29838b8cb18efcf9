"""What the workers can do, as they announced it when they started."""

import time

from redis.asyncio import Redis

from worker.contract import CAPABILITIES_KEY, Capabilities

_REMEMBERED_S = 2.0


class CapabilityBoard:
    """Reads the announcement, at most once in a while."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._read_at = float("-inf")
        self._found: Capabilities | None = None

    async def read(self) -> Capabilities | None:
        """The latest announcement, or None where no worker has ever started."""
        if time.monotonic() - self._read_at > _REMEMBERED_S:
            written = await self._redis.get(CAPABILITIES_KEY)
            self._found = None if written is None else Capabilities.model_validate_json(written)
            self._read_at = time.monotonic()
        return self._found
