"""What has to happen at a certain moment, whoever is there to do it: lists sorted by time."""

from datetime import UTC, datetime

from redis.asyncio import Redis

from service.store import names
from service.store.text import text


class Agenda:
    """Ids that are due. Every entry stays until it is struck off, so that no death loses one."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def expired(self, now: datetime, limit: int) -> list[str]:
        """Ended jobs whose blobs are to be erased."""
        return await self._due(names.EXPIRY, now, limit)

    async def overdue(self, now: datetime, limit: int) -> list[str]:
        """Jobs past their deadline that have not ended."""
        return await self._due(names.DEADLINES, now, limit)

    async def unwanted(self, now: datetime, limit: int) -> list[str]:
        """Jobs nobody wants that a worker may still hold."""
        return await self._due(names.ERASURES, now, limit)

    async def given_up(self, limit: int) -> list[tuple[str, str]]:
        """Job id and key id of uploads that became no job in time, by Redis' clock."""
        seconds, _ = await self._redis.time()
        now = datetime.fromtimestamp(seconds, UTC)
        members = await self._due(names.RESERVATIONS, now, limit)
        return [(job_id, key_id) for job_id, _, key_id in (m.partition(":") for m in members)]

    async def put_off(self, job_id: str, until: datetime) -> None:
        """Look at an unwanted job again later."""
        await self._redis.zadd(names.ERASURES, {job_id: until.timestamp()})

    async def settle_unwanted(self, job_id: str) -> None:
        """Note that no worker holds an unwanted job any more."""
        await self._redis.zrem(names.ERASURES, job_id)

    async def strike_off(self, job_id: str) -> None:
        """Note that all has been done that an ended job asked for."""
        async with self._redis.pipeline() as pipe:
            for key in (names.EXPIRY, names.DEADLINES, names.ERASURES):
                pipe.zrem(key, job_id)
            await pipe.execute()

    async def _due(self, key: str, now: datetime, limit: int) -> list[str]:
        found = await self._redis.zrange(
            key, "-inf", now.timestamp(), byscore=True, offset=0, num=limit
        )
        return [text(member) for member in found]
