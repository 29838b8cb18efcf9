"""What a worker tells everybody about a job while it works on it.

A job may be deleted at any moment, and nothing said about it afterwards may bring back a key: what
is written is written by scripts that first look whether the key is still there.
"""

import json
import logging
from typing import Final

from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job

from worker.contract import (
    CHANGES_CHANNEL,
    EVENTS_KEPT,
    PROGRESS_META_KEY,
    SETTLED_FIELD,
    EventKind,
    JobState,
    Progress,
    events_key,
    job_key,
)
from worker.telemetry.figures import TALLY_KEY, Tally
from worker.throttle import Throttle

_LOG = logging.getLogger(__name__)
_SAY_EVERY_S: Final = 0.1
_TELL: Final = """
-- KEYS: events of the job, RQ's hash of it. ARGV: 1 kind, 2 data, 3 most events, 4 channel,
-- 5 job id, 6 RQ's meta or ''.
redis.call('XADD', KEYS[1], 'NOMKSTREAM', 'MAXLEN', '~', ARGV[3], '*', 'kind', ARGV[1], 'data',
  ARGV[2])
if ARGV[6] ~= '' and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], 'meta', ARGV[6])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
"""


class Announcer:
    """Speaks about one job: in its event stream, in RQ's meta and on the channel of changes."""

    def __init__(self, connection: Redis, job: Job) -> None:
        self._connection = connection
        self._tell = connection.register_script(_TELL)
        self._job = job
        self._stage = ""
        self._throttle = Throttle(_SAY_EVERY_S)

    def start(self) -> None:
        """A worker has begun with the job."""
        status = {"id": self._job.id, "status": JobState.PROCESSING}
        self._say(EventKind.STATUS, json.dumps(status, separators=(",", ":")))

    def report_progress(self, progress: Progress) -> None:
        """How far it is; new stages are always told, the rest ten times a second."""
        is_due = self._throttle.is_due()
        if progress.stage == self._stage and not is_due:
            return
        self._stage = progress.stage
        self._job.meta[PROGRESS_META_KEY] = progress.model_dump(mode="json")
        meta = self._job.serializer.dumps(self._job.meta)
        self._say(EventKind.PROGRESS, progress.model_dump_json(), meta)

    def _say(self, kind: EventKind, data: str, meta: bytes = b"") -> None:
        job_id = self._job.id
        self._tell(
            keys=[events_key(job_id), self._job.key],
            args=[kind, data, EVENTS_KEPT, CHANGES_CHANNEL, job_id, meta],
        )


def announce_change(connection: Redis, job_id: str) -> None:
    """Something about the job is new: whoever waits for it should look."""
    connection.publish(CHANGES_CHANNEL, job_id)


def add_up(connection: Redis, tally: Tally) -> None:
    """Add figures to the sums of all workers. Where that fails they are lost, and nothing else."""
    try:
        with connection.pipeline(transaction=False) as pipeline:
            for field, amount in tally.counts().items():
                pipeline.hincrbyfloat(TALLY_KEY, field, amount)
            pipeline.execute()
    except RedisError:
        _LOG.warning("the figures of a job were not counted", exc_info=True)


def is_wanted(connection: Redis, job_id: str) -> bool:
    """Whether anybody waits for the result: the job is neither deleted nor settled already."""
    with connection.pipeline(transaction=True) as pipeline:
        pipeline.exists(job_key(job_id))
        pipeline.hexists(job_key(job_id), SETTLED_FIELD)
        exists, is_settled = pipeline.execute()
    return bool(exists) and not is_settled
