"""Ends with 0 while this container's worker sends heartbeats to Redis, else with 1."""

import os
import socket
import sys
from datetime import UTC, datetime, timedelta

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from worker.contract import QUEUE_NAME

TIMEOUT_S = 5.0
STALE_AFTER = timedelta(seconds=60)
"""A worker that waits for work says so far more often, and so does one that works."""


def beats(redis_url: str, hostname: str) -> bool:
    """Whether a worker of this host was heard of lately."""
    with Redis.from_url(
        redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    ) as connection:
        queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
        heard = [
            worker.last_heartbeat
            for worker in Worker.all(queue=queue)
            if worker.hostname == hostname
        ]
    return any(at is not None and datetime.now(UTC) - _utc(at) < STALE_AFTER for at in heard)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(not beats(os.environ["MADV_REDIS_URL"], socket.gethostname()))
