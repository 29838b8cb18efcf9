"""Redis goes silent just when an upload becomes a job: the job is whole, or there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from tcp_proxy import Proxy

from service.embedded.processes import Child, Command
from service.embedded.wiring import Wiring
from service.store.names import ERASURES, RESERVATIONS, active_key

if TYPE_CHECKING:
    from tests.integration.uploads.conftest import Watched

pytestmark = pytest.mark.integration

SIZE = 256 * 1024
Watch = Callable[[Command], "Watched"]
Eventually = Callable[..., None]


@pytest.fixture
def between(wiring: Wiring, redis_server: Child) -> Iterator[Proxy]:
    """What stands between gateway and Redis."""
    assert redis_server.returncode is None
    with Proxy(wiring.redis_port) as proxy:
        yield proxy


@pytest.fixture
def gateway(wiring: Wiring, between: Proxy, watch: Watch) -> Watched:
    settings = {**wiring.settings, "MADV_REDIS_TIMEOUT_S": "0.5"}
    return watch(replace(wiring, redis_port=between.port, settings=settings).gateway())


@pytest.fixture
def redis(wiring: Wiring, redis_server: Child) -> Iterator[Redis]:
    assert redis_server.returncode is None
    with closing(Redis.from_url(wiring.redis_url)) as connected:
        yield connected


def jobs(redis: Redis) -> set[str]:
    return {job_id.decode() for job_id in redis.zrange("madv:jobs:local", 0, -1)}


@pytest.mark.parametrize("silence", ["nothing asked arrives", "no answer arrives"])
def test_a_job_has_its_clip_and_an_upload_without_job_leaves_none(
    gateway: Watched, between: Proxy, redis: Redis, eventually: Eventually, silence: str
) -> None:
    upload = gateway.upload(SIZE)
    upload.send(SIZE // 2)
    eventually(lambda: redis.zcard(RESERVATIONS) == 1)
    if silence == "no answer arrives":
        between.hold_answers()
    else:
        between.hold()
    assert upload.finish() == 503
    upload.leave()
    between.open()

    eventually(lambda: gateway.post(1024).status_code == 202)  # what was held back has arrived
    eventually(lambda: redis.zcard(RESERVATIONS) <= 1)
    known = jobs(redis)
    pending = {member.decode().partition(":")[0] for member in redis.zrange(RESERVATIONS, 0, -1)}
    clips = {name.removeprefix("clips/") for name in gateway.traces().blobs}
    assert known <= clips <= known | pending
    assert {job_id.decode() for job_id in redis.smembers(active_key("local"))} == known | pending


def test_the_same_key_finds_the_job_nobody_heard_of(
    gateway: Watched, between: Proxy, redis: Redis, eventually: Eventually
) -> None:
    def send() -> int:
        clip = b"\x00\x00\x00\x20ftypisom" + bytes(1024)
        answer = gateway.http.post(
            "/v1/recognize", files={"file": clip}, headers={"Idempotency-Key": "one"}
        )
        return answer.status_code

    between.hold_answers()
    assert send() == 503
    between.open()
    eventually(lambda: send() == 202)
    assert send() == 202
    assert len(jobs(redis)) == 1


def test_what_a_dead_gateway_left_half_written_is_erased(
    gateway: Watched, wiring: Wiring, redis: Redis, eventually: Eventually
) -> None:
    """A reservation whose time is up tells of it."""
    folder = wiring.data_dir / "blobs" / "clips"
    kept = gateway.post(1024).json()["id"]
    for name in ("job_dead", "job_dead#1", "job_dead#2"):
        (folder / name).write_bytes(b"half a clip")
    redis.sadd(active_key("local"), "job_dead")
    redis.zadd(RESERVATIONS, {"job_dead:local": 1})
    eventually(lambda: [path.name for path in folder.iterdir()] == [kept])
    assert redis.smembers(active_key("local")) == {kept.encode()}


def test_a_job_that_shares_a_result_ends_though_its_gateway_died(
    gateway: Watched, redis: Redis, eventually: Eventually
) -> None:
    """It was made, and whoever made it died before saying that it has succeeded."""
    job = gateway.post(1024).json()
    key = f"madv:job:{job['id']}"
    record = json.loads(redis.hget(key, "record") or b"")
    redis.hset(key, "record", json.dumps({**record, "deduplicated_from": "job_before"}))
    redis.zadd(ERASURES, {job["id"]: 1})
    redis.delete(f"rq:job:{job['id']}", "rq:queue:madv")
    eventually(lambda: redis.hexists(key, "settled"))
    assert gateway.http.get(job["links"]["self"]).json()["status"] == "succeeded"
    eventually(lambda: gateway.traces().blobs == [])
