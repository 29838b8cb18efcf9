"""The queue on a real Redis."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from redis import Redis
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.queue import ClipQueue
from service.store.connection import connect
from worker.contract import JobPayload

pytestmark = pytest.mark.integration

JOB_ID = "job_1"


@pytest.fixture
def redis(wiring: Wiring, redis_server: Child) -> Iterator[Redis]:
    assert redis_server.returncode is None
    with closing(connect(wiring.redis_url, 5.0)) as connected:
        yield connected


@pytest.fixture
def queue(redis: Redis) -> ClipQueue:
    """A queue with one job in it."""
    made = ClipQueue(redis, attempt_timeout_s=60, retries=1)
    put_in(made, redis)
    return made


def put_in(queue: ClipQueue, redis: Redis) -> None:
    payload = JobPayload(
        job_id=JOB_ID,
        clip_key="clip",
        result_key="result",
        sha256="",
        recognizer="madvnet",
        store_input=False,
    )
    with redis.pipeline() as pipe:
        queue.enqueue(payload, pipe)
        pipe.execute()


def mentions(redis: Redis) -> list[bytes]:
    return [key for key in redis.scan_iter() if JOB_ID.encode() in key]


def test_a_removed_job_leaves_nothing(redis: Redis, queue: ClipQueue) -> None:
    assert mentions(redis)
    queue.remove(JOB_ID)
    assert not mentions(redis)
    assert redis.llen(queue.list_key) == 0


@pytest.mark.parametrize("is_lapsed", [False, True])
def test_a_job_is_removed_though_a_worker_died_over_it(
    redis: Redis, queue: ClipQueue, *, is_lapsed: bool
) -> None:
    job = Job.fetch(JOB_ID, connection=redis, serializer=JSONSerializer)
    with redis.pipeline() as pipe:
        attempt = Execution.create(job, ttl=60, pipeline=pipe)
        pipe.execute()
    assert queue.running() == {JOB_ID}
    if is_lapsed:  # RQ lets the attempt lapse a minute before it forgets that there was one
        redis.delete(attempt.key)
    queue.remove(JOB_ID)
    assert not mentions(redis)
    assert queue.running() == set()


def test_several_may_remove_a_job_at_once(redis: Redis, queue: ClipQueue) -> None:
    """A caller deletes it while the janitor of each gateway tidies it away."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            put_in(queue, redis)
            list(pool.map(queue.remove, [JOB_ID] * 8))
            assert not mentions(redis)
