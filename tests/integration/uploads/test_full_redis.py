"""A Redis that cannot save what it is told, as its disk is full: it then takes no writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis, redis_command, send
from service.embedded.wiring import Wiring

if TYPE_CHECKING:
    from tests.integration.uploads.conftest import Watched

pytestmark = pytest.mark.integration

SMALL = 1024
DISK = 4 * 1024 * 1024
Watch = Callable[[Command], "Watched"]
Eventually = Callable[..., None]


@pytest.fixture
def redis_server(
    wiring: Wiring, on_small_disk: Callable[..., Command], eventually: Eventually
) -> Iterator[Child]:
    folder = wiring.data_dir / "redis"
    child = Child(on_small_disk(redis_command(find_redis(), wiring), folder, DISK))
    eventually(lambda: send(wiring, "PING") == b"+PONG")
    yield child
    child.stop()


def test_the_service_is_unavailable_until_there_is_room_again(
    wiring: Wiring,
    redis_server: Child,
    watch: Watch,
    fill: Callable[[Child, Path], Path],
    eventually: Eventually,
) -> None:
    # Compacted a moment ago: a file written anew would give room back when it is done.
    send(wiring, "SET", "madv:compacted", "1")
    restless = {**wiring.settings, "MADV_SWEEP_INTERVAL_S": "0.01"}
    gateway = watch(replace(wiring, settings=restless).gateway())
    job = gateway.post(SMALL, options='{"ttl_s": 1, "store_input": true}').json()["links"]
    (clip,) = gateway.traces().blobs

    filler = fill(redis_server, wiring.data_dir / "redis")
    eventually(lambda: gateway.post(SMALL).status_code != 202)
    before = gateway.traces()
    refused = gateway.post(SMALL)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.json()["retryable"]
    assert not gateway.http.get("/v1/health/ready").json()["checks"]["redis"]["ok"]
    assert gateway.http.get(job["self"]).json()["status"] == "queued"
    assert gateway.traces() == before

    filler.unlink()
    eventually(lambda: gateway.http.post(job["cancel"]).is_success)
    eventually(lambda: clip not in gateway.traces().blobs)
    assert gateway.post(SMALL).status_code == 202
