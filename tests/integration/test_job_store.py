import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from service.blobs import Blobs
from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.jobs import JobRecord, JobStore, connect, new_job_id, utc_now
from service.queue import ClipQueue
from service.schemas import ClipReceipt, RecognizeOptions
from service.sweeper import Sweeper
from worker.contract import (
    ANALYSE_FUNCTION,
    QUEUE_NAME,
    JobPayload,
    JobState,
    clip_key,
    result_key,
)

pytestmark = pytest.mark.integration

DEADLINE_S = 60
TOMBSTONE_S = 600
LIFE = timedelta(seconds=300)


@pytest.fixture
def redis(wiring: Wiring, redis_server: Child) -> Iterator[Redis]:
    assert redis_server.returncode is None
    with closing(connect(wiring.environment()["MADV_REDIS_URL"], timeout_s=5.0)) as connection:
        yield connection


@pytest.fixture
def queue(redis: Redis) -> ClipQueue:
    return ClipQueue(redis, deadline_s=DEADLINE_S, retries=1)


@pytest.fixture
def jobs(redis: Redis, queue: ClipQueue) -> JobStore:
    return JobStore(redis, queue, tombstone_s=TOMBSTONE_S)


@pytest.fixture
def sweeper(jobs: JobStore, queue: ClipQueue, wiring: Wiring) -> Sweeper:
    return Sweeper(jobs, queue, Blobs((wiring.data_dir / "blobs").as_uri()), DEADLINE_S, 1.0)


def submitted(jobs: JobStore) -> JobRecord:
    now = utc_now()
    record = JobRecord(
        id=new_job_id(),
        created_at=now,
        expires_at=now + LIFE,
        clip=ClipReceipt(sha256="00", bytes=1),
        options=RecognizeOptions(),
    )
    jobs.reserve(record.id, record.expires_at)
    jobs.submit(record)
    return record


def stored(wiring: Wiring, record: JobRecord) -> list[Path]:
    paths = [
        wiring.data_dir / "blobs" / key for key in (clip_key(record.id), result_key(record.id))
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return paths


@pytest.mark.anyio
async def test_what_expired_is_erased_and_its_id_still_known(
    jobs: JobStore, sweeper: Sweeper, redis: Redis, wiring: Wiring
) -> None:
    record = submitted(jobs)
    blobs = stored(wiring, record)
    later = record.expires_at + timedelta(seconds=1)
    assert await sweeper.sweep(later) == 1
    assert not any(path.exists() for path in blobs)
    assert redis.lrange(f"rq:queue:{QUEUE_NAME}", 0, -1) == []
    assert not redis.exists(f"rq:job:{record.id}")
    tombstone = jobs.find(record.id, later)
    assert tombstone is not None
    assert tombstone.status is JobState.EXPIRED
    assert await sweeper.sweep(later) == 0


@pytest.mark.anyio
async def test_what_has_not_expired_is_kept(
    jobs: JobStore, sweeper: Sweeper, wiring: Wiring
) -> None:
    record = submitted(jobs)
    blobs = stored(wiring, record)
    assert await sweeper.sweep(record.expires_at - timedelta(seconds=1)) == 0
    assert all(path.exists() for path in blobs)


@pytest.mark.anyio
async def test_a_clip_whose_job_was_never_queued_is_erased_too(
    jobs: JobStore, sweeper: Sweeper, wiring: Wiring
) -> None:
    record = submitted(jobs)
    orphan = record.model_copy(update={"id": new_job_id()})
    jobs.reserve(orphan.id, orphan.expires_at)
    blobs = stored(wiring, orphan)
    assert await sweeper.sweep(orphan.expires_at + timedelta(seconds=1)) == 2
    assert not any(path.exists() for path in blobs)


@pytest.mark.anyio
async def test_a_running_job_is_left_until_it_can_no_longer_write(
    jobs: JobStore, sweeper: Sweeper, redis: Redis
) -> None:
    record = submitted(jobs)
    redis.hset(f"rq:job:{record.id}", "status", "started")
    assert await sweeper.sweep(record.expires_at + timedelta(seconds=1)) == 0
    assert await sweeper.sweep(record.expires_at + timedelta(seconds=DEADLINE_S + 1)) == 1


def test_records_and_queue_data_end_with_their_tombstone(jobs: JobStore, redis: Redis) -> None:
    record = submitted(jobs)
    life_s = (LIFE + timedelta(seconds=TOMBSTONE_S)).total_seconds()
    assert life_s - 5 <= redis.ttl(f"madv:job:{record.id}") <= life_s
    assert int(redis.hget(f"rq:job:{record.id}", "result_ttl") or 0) == life_s
    assert int(redis.hget(f"rq:job:{record.id}", "failure_ttl") or 0) == life_s


def test_the_queue_carries_references_as_json(jobs: JobStore, redis: Redis) -> None:
    record = submitted(jobs)
    data = redis.hget(f"rq:job:{record.id}", "data")
    assert data is not None
    function, _, arguments, _ = json.loads(zlib.decompress(data))
    assert function == ANALYSE_FUNCTION
    assert JobPayload.model_validate(arguments[0]) == record.payload()


def test_one_probe_at_a_time_goes_ahead_of_all_clips(
    jobs: JobStore, queue: ClipQueue, redis: Redis
) -> None:
    record = submitted(jobs)
    queue.enqueue_probe()
    queue.enqueue_probe()
    waiting = redis.lrange(f"rq:queue:{QUEUE_NAME}", 0, -1)
    assert len(waiting) == 2
    assert waiting[-1] == record.id.encode()


def test_a_stale_maintenance_lock_is_shortened(queue: ClipQueue, redis: Redis) -> None:
    lock = f"rq:clean_registries:{QUEUE_NAME}"
    redis.set(lock, 1, ex=899)
    queue.recover()
    assert 0 < redis.ttl(lock) <= 20
