"""Submissions per key and time: a moving window in Redis, shared by all gateways.

The window runs by the clocks of the gateways, which are taken to agree within a second.
"""

import time

from limits import RateLimitItem, parse_many
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis

from service.errors import GatewayCode, ProblemError
from service.principal import Principal

_PREFIX = "madv:rate"
_MOST = 100_000
_LONGEST_S = 24 * 3600


def parse_rate(text: str) -> RateLimitItem:
    """What a rate such as `600/minute` or `20 per 10 seconds` means. Raises ValueError."""
    parsed = parse_many(text)
    if len(parsed) != 1:
        raise ValueError("one rate is expected, such as 600/minute")
    (rate,) = parsed
    if not 1 <= rate.amount <= _MOST:
        raise ValueError(f"a rate permits from 1 to {_MOST} submissions")
    if not 1 <= rate.get_expiry() <= _LONGEST_S:
        raise ValueError("a rate counts over at most a day")
    return rate


def rate_text(rate: RateLimitItem) -> str:
    """A rate as it is stored and shown, such as `600/minute`."""
    times = f"{rate.multiples} " if rate.multiples > 1 else ""
    return f"{rate.amount}/{times}{rate.GRANULARITY.name}"


class Rates:
    """Counts submissions; connects on first use, over the connections of `redis`."""

    def __init__(self, redis: Redis) -> None:
        storage = RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # documented, untyped
        )
        self._limiter = MovingWindowRateLimiter(storage)

    async def spend(self, principal: Principal) -> None:
        """Count one submission. Raises a problem (429) where the key has none left.

        A refused submission is not counted: whoever keeps trying is not locked out.
        """
        if principal.rate is None:
            return
        rate = parse_rate(principal.rate)
        if not await self._limiter.hit(rate, principal.key_id):
            raise _refusal(rate, await self._seconds_until_one_is_left(rate, principal.key_id))

    async def _seconds_until_one_is_left(self, rate: RateLimitItem, key_id: str) -> int:
        """Whole seconds, at least 1, until the oldest counted submission leaves the window."""
        window = await self._limiter.get_window_stats(rate, key_id)
        return max(1, int(window.reset_time - time.time()) + 1)


def _refusal(rate: RateLimitItem, wait_s: int) -> ProblemError:
    """With the fields of draft-ietf-httpapi-ratelimit-headers beside `Retry-After`."""
    return ProblemError(
        GatewayCode.RATE_LIMITED,
        f"This key permits {rate_text(rate)}; the next is possible in {wait_s} s.",
        limit=rate.amount,
        headers={
            "Retry-After": str(wait_s),
            "RateLimit-Policy": f'"submissions";q={rate.amount};w={rate.get_expiry()}',
            "RateLimit": f'"submissions";r=0;t={wait_s}',
        },
    )
