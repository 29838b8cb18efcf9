"""Connections to Redis: one pool for the gateway's own keys, one for RQ, which is synchronous."""

from redis import Redis
from redis import connection as blocking
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import connection as concurrent
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


class CannotSave(ResponseError):
    """Redis takes no writes while it cannot save them, as when its disk is full."""


OUTAGES: tuple[type[Exception], ...] = (
    RedisConnectionError,
    RedisTimeoutError,
    OutOfMemoryError,
    CannotSave,
)
"""What an unreachable or full Redis raises."""

_MOST_CONNECTIONS = 64
_HEALTH_CHECK_S = 30


class _Refusals:
    """Tells this refusal from the answer to a wrong command: redis has one class for both."""

    @classmethod
    def parse_error(cls, response: str) -> Exception:
        """The exception for an answer; before Redis 7, scripts tell the code in mid-text."""
        if "MISCONF " in response:
            return CannotSave(response)
        error: Exception = super().parse_error(response)  # type: ignore[misc]  # of the parser
        return error


_BlockingParser = type("_BlockingParser", (_Refusals, blocking.DefaultParser), {})
_ConcurrentParser = type("_ConcurrentParser", (_Refusals, concurrent.DefaultParser), {})


def connect(url: str, timeout_s: float) -> Redis:
    """A pooled client; connects on first use."""
    return Redis.from_url(
        url,
        parser_class=_BlockingParser,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=_HEALTH_CHECK_S,
    )


def connect_async(url: str, timeout_s: float) -> AsyncRedis:
    """The same for the event loop; callers wait for a connection while all are in use."""
    pool = BlockingConnectionPool.from_url(
        url,
        parser_class=_ConcurrentParser,
        max_connections=_MOST_CONNECTIONS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=_HEALTH_CHECK_S,
    )
    return AsyncRedis.from_pool(pool)
