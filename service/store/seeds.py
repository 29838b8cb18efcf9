"""Secrets that all gateways share: the first to need one makes it."""

from redis.asyncio import Redis

_RECEIPTS = "madv:receipts:seed"


async def receipt_seed(redis: Redis, fresh: bytes) -> bytes:
    """What deletion receipts are signed with; `fresh` becomes it where there is none."""
    await redis.set(_RECEIPTS, fresh, nx=True)
    found = await redis.get(_RECEIPTS)
    if not isinstance(found, bytes):
        raise TypeError("Redis answers in bytes")
    return found
