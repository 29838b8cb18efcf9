"""What RQ asks of Redis to queue a job: taken down once, filled in for each job.

RQ takes its time over commands that differ between jobs in nothing but their id, two times and the
arguments, all of which are ours.
"""

import zlib
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Final

from redis.typing import EncodableT
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import utcformat

from worker.contract import ANALYSE_FUNCTION, JobPayload

Command = tuple[EncodableT, ...]

_EXAMPLE: Final = JobPayload(job_id="example", clip_key="", result_key="", sha256="")
_TIMES: Final = frozenset({"created_at", "enqueued_at"})
_DATA: Final = "data"
_FAILURE_KEPT_S: Final = 3600
"""A failure is told apart from a lost job by its traceback alone, which is best forgotten."""


class Enqueuing:
    """Queues analyses, named by dotted path, with JSON as their only argument.

    Args:
        queue: RQ's.
        attempt_timeout_s: Longest that a worker may take.
        kept_s: How long RQ remembers ended jobs.
        retries: Attempts after the first.
    """

    def __init__(self, queue: Queue, attempt_timeout_s: int, kept_s: int, retries: int) -> None:
        self._queue = queue
        self._attempt_timeout_s = attempt_timeout_s
        self._kept_s = kept_s
        self._retries = retries

    def commands(self, payload: JobPayload) -> list[Command]:
        """What is to be sent, in one transaction, to queue a job of this id."""
        now = utcformat(datetime.now(UTC))
        fresh: dict[EncodableT, EncodableT] = {
            _EXAMPLE.job_id: payload.job_id,
            Job.key_for(_EXAMPLE.job_id): Job.key_for(payload.job_id),
            **dict.fromkeys(_TIMES, now),
            _DATA: zlib.compress(_call(payload)),
        }
        filled = [[*command] for command in self._example]
        for command, place, blank in self._blanks:
            filled[command][place] = fresh[blank]
        return [tuple(command) for command in filled]

    def as_rq_does(self, payload: JobPayload) -> list[Command]:
        """The same from RQ itself, slowly."""
        pipeline = self._queue.connection.pipeline()  # notes commands and never sends them
        self._queue.enqueue_call(
            ANALYSE_FUNCTION,
            args=(_argument(payload),),
            job_id=payload.job_id,
            description=ANALYSE_FUNCTION,
            timeout=self._attempt_timeout_s,
            result_ttl=self._kept_s,
            failure_ttl=_FAILURE_KEPT_S,
            retry=Retry(max=self._retries) if self._retries else None,
            pipeline=pipeline,
        )
        return [command for command, _ in pipeline.command_stack]

    @cached_property
    def _example(self) -> list[Command]:
        return self.as_rq_does(_EXAMPLE)

    @cached_property
    def _blanks(self) -> list[tuple[int, int, EncodableT]]:
        """Number of the command, place in it, and what belongs there."""
        ids = {_EXAMPLE.job_id, Job.key_for(_EXAMPLE.job_id)}
        return [
            (number, place, word if word in ids else before)
            for number, command in enumerate(self._example)
            for place, (before, word) in enumerate(pairwise(command), 1)
            if word in ids or before in _TIMES or before == _DATA
        ]


def _argument(payload: JobPayload) -> dict[str, object]:
    """What is not said needs no worker of this version."""
    return payload.model_dump(mode="json", exclude_none=True)


def _call(payload: JobPayload) -> bytes:
    """Function, instance, arguments and named arguments, as RQ keeps them."""
    named: dict[str, object] = {}
    call = (ANALYSE_FUNCTION, None, (_argument(payload),), named)
    return bytes(JSONSerializer.dumps(call))  # type: ignore[no-untyped-call]  # RQ types it in part
