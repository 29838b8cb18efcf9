"""The queue on a real Redis."""

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import cast

import pytest
from redis import Redis
from rq import Queue
from rq import Queue as RQueue
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.enqueuing import Command, Enqueuing
from service.queue import ClipQueue
from service.store.connection import connect
from worker.contract import QUEUE_NAME, JobPayload

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
        for command in queue.commands(payload):
            pipe.execute_command(*command)
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


def test_jobs_are_queued_with_the_commands_rq_would_send(redis: Redis) -> None:
    payload = JobPayload(job_id="job_2", clip_key="clips/2", result_key="r/2", sha256="ab", fps=9.5)
    enqueuing = Enqueuing(Queue("q", connection=redis, serializer=JSONSerializer), 60, 3600, 2)
    ours, rqs = (fields_of(made(payload)) for made in (enqueuing.commands, enqueuing.as_rq_does))
    for told in (ours, rqs):
        for time in ("created_at", "enqueued_at"):
            age = datetime.now(UTC) - datetime.fromisoformat(str(told.pop(time)))
            assert age.total_seconds() < 60
        told["data"] = zlib.decompress(cast("bytes", told["data"]))
    assert ours == rqs
    assert b"clips/2" in cast("bytes", ours["data"])


def fields_of(commands: list[Command]) -> dict[object, object]:
    """Names and values of the job's hash, and everything else as it is."""
    (number,) = (n for n, command in enumerate(commands) if "data" in command)
    _, key, *words = commands[number]
    others = [*commands[:number], *commands[number + 1 :]]
    return {"key": key, "others": others, **dict(zip(words[::2], words[1::2], strict=True))}


def taken_key(redis: Redis) -> str:
    """Where RQ keeps the jobs that a worker has taken and not begun."""
    return RQueue(QUEUE_NAME, connection=redis).intermediate_queue_key


def take(redis: Redis, queue: ClipQueue) -> None:
    """Do what a worker does first, and no more."""
    assert redis.lmove(queue.list_key, taken_key(redis), "LEFT", "RIGHT")


def test_a_job_is_put_back_whose_worker_died_before_it_began(redis: Redis) -> None:
    queue = ClipQueue(redis, attempt_timeout_s=60, retries=1, begun_within_s=0.0)
    put_in(queue, redis)
    take(redis, queue)
    queue.recover()
    assert redis.llen(queue.list_key) == 0  # it was seen for the first time
    queue.recover()
    assert redis.lrange(queue.list_key, 0, -1) == [JOB_ID.encode()]
    assert redis.llen(taken_key(redis)) == 0
    assert Job.fetch(JOB_ID, connection=redis, serializer=JSONSerializer).retries_left == 1


@pytest.mark.parametrize("is_queued", [False, True])
def test_what_is_no_longer_taken_is_not_queued_twice(redis: Redis, *, is_queued: bool) -> None:
    """RQ leaves the id there where a worker dies at its first step; the attempt is recovered."""
    queue = ClipQueue(redis, attempt_timeout_s=60, retries=1, begun_within_s=0.0)
    put_in(queue, redis)
    take(redis, queue)
    if is_queued:
        redis.rpush(queue.list_key, JOB_ID)
    else:
        queue.remove(JOB_ID)
    for _ in range(3):
        queue.recover()
    assert redis.lrange(queue.list_key, 0, -1) == [JOB_ID.encode()] * is_queued
    assert redis.llen(taken_key(redis)) == 0


def test_a_worker_that_is_slow_to_begin_keeps_its_job(redis: Redis, queue: ClipQueue) -> None:
    take(redis, queue)
    for _ in range(3):
        queue.recover()
    assert redis.llen(queue.list_key) == 0
