"""Connections to Redis: one pool for the gateway's own keys, one for RQ, which is synchronous."""

from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError

OUTAGES: tuple[type[Exception], ...] = (
    RedisConnectionError,
    RedisTimeoutError,
    OutOfMemoryError,
)
"""What an unreachable or full Redis raises."""

_MOST_CONNECTIONS = 64
_HEALTH_CHECK_S = 30


def connect(url: str, timeout_s: float) -> Redis:
    """A pooled client; connects on first use."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=_HEALTH_CHECK_S,
    )


def connect_async(url: str, timeout_s: float) -> AsyncRedis:
    """The same for the event loop; callers wait for a connection while all are in use."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MOST_CONNECTIONS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=_HEALTH_CHECK_S,
    )
    return AsyncRedis.from_pool(pool)
