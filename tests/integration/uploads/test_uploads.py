"""Uploads that are too large, too slow, too many at once or never finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sides import Side
from strain import refuse_huge

from service.embedded.processes import Command
from service.embedded.wiring import Wiring

if TYPE_CHECKING:
    from tests.integration.uploads.conftest import Watched

pytestmark = pytest.mark.integration

MIB = 1024 * 1024
CLIP_BYTES = 24 * MIB
HALF = CLIP_BYTES // 2
SMALL = 1024
AT_ONCE = 64
Watch = Callable[[Command], "Watched"]
Eventually = Callable[..., None]


@pytest.fixture
def gateway(wiring: Wiring, watch: Watch) -> Watched:
    return watch(wiring.gateway())


def with_keys(wiring: Wiring, **settings: str) -> Command:
    return replace(
        wiring, settings={**wiring.settings, "MADV_AUTH": "required", **settings}
    ).gateway()


def id_of(key: str) -> str:
    return key.split("_")[1]


@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
def test_two_gigabytes_are_refused_at_the_cap_in_little_memory(
    gateway: Watched, eventually: Eventually, *, is_chunked: bool
) -> None:
    before = gateway.traces()
    side = Side(gateway.wiring.gateway_port, gateway.child.pid)
    grown_mb = asyncio.run(refuse_huge(side, (), is_chunked=is_chunked))
    assert grown_mb < 30
    eventually(lambda: gateway.traces() == before)
    assert gateway.post(SMALL).status_code == 202


def test_many_slow_uploads_keep_no_poll_from_being_answered(gateway: Watched) -> None:
    job = gateway.post(SMALL).json()["links"]["self"]
    with ExitStack() as connections:
        uploads = [gateway.upload(MIB) for _ in range(AT_ONCE)]
        for upload in uploads:
            connections.callback(upload.leave)
            upload.send(MIB // 2)
        polls = [gateway.http.get(job) for _ in range(AT_ONCE)]
        assert {poll.status_code for poll in polls} == {200}
        assert len(gateway.http.get("/v1/jobs").json()["data"]) == 1
        assert {upload.finish() for upload in uploads} == {202}
    assert gateway.traces().reservations == 0


def test_a_caller_who_leaves_in_mid_upload_leaves_nothing(
    wiring: Wiring, watch: Watch, new_key: Callable[..., str], eventually: Eventually
) -> None:
    gateway, key = watch(with_keys(wiring)), new_key(concurrency=1)
    before = gateway.traces(id_of(key))
    upload = gateway.upload(CLIP_BYTES, key)
    upload.send(HALF)
    eventually(lambda: gateway.traces(id_of(key)) != before)
    upload.leave()
    eventually(lambda: gateway.traces(id_of(key)) == before)
    assert gateway.post(SMALL, key).status_code == 202


def test_an_upload_out_of_time_leaves_nothing(
    wiring: Wiring, watch: Watch, new_key: Callable[..., str], eventually: Eventually
) -> None:
    gateway, key = watch(with_keys(wiring, MADV_UPLOAD_TIMEOUT_S="2")), new_key(concurrency=1)
    before = gateway.traces(id_of(key))
    upload = gateway.upload(CLIP_BYTES, key)
    upload.send(HALF)
    assert upload.status() == 408
    upload.leave()
    eventually(lambda: gateway.traces(id_of(key)) == before)
    assert gateway.post(SMALL, key).status_code == 202
