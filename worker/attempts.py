"""RQ's register of attempts under way, timed by Redis' clock.

RQ notes until when an attempt counts as alive by the clock of the worker, and judges by that of
whoever looks. A machine whose clock is off by seconds would have healthy jobs begun a second time,
or dead ones never.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, cast

from redis.client import Pipeline
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import utcformat

_BEAT: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'last_heartbeat', ARGV[1])
end
return 0
"""
Handler = Callable[..., bool | None]


class Attempts(StartedJobRegistry):
    """All attempts on one queue."""

    def add_execution(
        self,
        execution: Execution,
        pipeline: Pipeline,
        ttl: int = 0,
        xx: bool = False,  # noqa: FBT001, FBT002  # RQ's signature
    ) -> int:
        """Note that an attempt lives, and will for `ttl` seconds."""
        score = self._now_s() + ttl
        noted = pipeline.zadd(self.key, {execution.composite_key: score}, xx=xx)
        return cast("int", noted)  # RQ's word for what is sent later

    def cleanup(
        self, timestamp: float | None = None, exception_handlers: list[Handler] | None = None
    ) -> None:
        """Have the jobs of lapsed attempts tried again, or failed where their tries are used up."""
        super().cleanup(self._now_s() if timestamp is None else timestamp, exception_handlers)

    def _now_s(self) -> float:
        seconds, microseconds = self.connection.time()
        return float(seconds) + microseconds / 1e6


class ClipJob(Job):
    """A job whose attempts are registered like this."""

    def heartbeat(
        self,
        timestamp: datetime,
        ttl: int,  # noqa: ARG002  # RQ's signature
        pipeline: Pipeline | None = None,
        xx: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> None:
        """Note that it is worked on, unless it was erased meanwhile: no key is brought back."""
        self.last_heartbeat = timestamp
        connection = self.connection if pipeline is None else pipeline
        connection.eval(_BEAT, 1, self.key, utcformat(timestamp))

    @property
    def started_job_registry(self) -> Attempts:
        """Where its attempts are noted."""
        return Attempts(
            self.origin,
            connection=self.connection,
            job_class=type(self),
            serializer=JSONSerializer,
        )


def recover_lost(queue: Queue) -> None:
    """Deal with the attempts of dead workers, unless somebody else does so now."""
    if not queue.acquire_maintenance_lock():
        return
    try:
        Attempts(queue=queue).cleanup()
    finally:
        queue.release_maintenance_lock()  # type: ignore[no-untyped-call]  # RQ types it in part
