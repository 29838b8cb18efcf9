"""Webhooks of batches: told once, and gone with the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from redis.asyncio import Redis

from service.app import compose
from service.dependencies import Gateway
from service.embedded.wiring import Wiring
from service.schemas import BatchRequest
from service.settings import GatewaySettings
from service.store.batches import BatchRecord
from service.store.connection import connect
from service.telemetry.meters import Meters

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

BATCH_ID = "batch_1"
LIFE_S = 1.5
Eventually = Callable[..., None]


@pytest.fixture
def gateway(wiring: Wiring, redis: Redis) -> Iterator[Gateway]:
    """The parts of a gateway, none of them at work by itself."""
    settings = GatewaySettings(
        blob_url="memory:///",
        webhook_networks=("127.0.0.1/32",),
        webhook_retries_s=(0.001, 0.001),
    )
    with closing(connect(wiring.redis_url, timeout_s=5.0)) as blocking:
        yield compose(settings, redis, blocking, Meters())


@pytest.fixture
def end_batch(gateway: Gateway, receiver: Receiver) -> Callable[[], Awaitable[None]]:
    """Cancels a batch that is forgotten soon."""

    async def end() -> None:
        now = datetime.now(UTC)
        request = BatchRequest.model_validate(
            {"items": [{"client_ref": "a"}], "webhook_url": receiver.url}
        )
        record = BatchRecord(
            id=BATCH_ID,
            tenant="lab",
            created_at=now,
            expires_at=now + timedelta(seconds=LIFE_S),
            total=1,
            options=request.options,
            client_ref=None,
            tags=[],
            webhook_url=request.webhook_url,
        )
        await gateway.batches.create(record, ["a"])
        assert await gateway.batches.close(BATCH_ID, now) == []

    return end


async def mentions(redis: Redis) -> list[bytes]:
    """Keys that name the batch, and sorted sets it stands in."""
    found = [key async for key in redis.scan_iter() if BATCH_ID.encode() in key]
    due = await redis.zscore("madv:webhooks:due", BATCH_ID)
    leased = await redis.zscore("madv:webhooks:leased", BATCH_ID)
    return [*found, *(b"sorted" for score in (due, leased) if score is not None)]


async def is_forgotten(redis: Redis) -> bool:
    async with asyncio.timeout(10 * LIFE_S):
        while await mentions(redis):
            await redis.ping()
    return True


async def attempt(gateway: Gateway) -> None:
    claim = await gateway.webhooks.store.claim(lease_s=60.0)
    assert claim is not None
    await gateway.webhooks.sender.deliver(claim)


async def test_the_log_of_a_batch_is_forgotten_with_it(
    gateway: Gateway, redis: Redis, receiver: Receiver, end_batch: Callable[[], Awaitable[None]]
) -> None:
    await end_batch()
    await attempt(gateway)
    (message,) = receiver.received
    told = message.verified(await gateway.webhooks.secret("lab"))
    assert told["type"] == "batch.canceled"
    (delivery,) = await gateway.webhooks.deliveries(BATCH_ID)
    assert delivery.state == "delivered"
    assert await is_forgotten(redis)


async def test_a_batch_forgotten_before_it_was_told_is_told_no_more(
    gateway: Gateway, redis: Redis, receiver: Receiver, end_batch: Callable[[], Awaitable[None]]
) -> None:
    receiver.will(500)
    await end_batch()
    await attempt(gateway)
    async with asyncio.timeout(10 * LIFE_S):
        while await gateway.batches.find(BATCH_ID) is not None:
            await redis.ping()
    await attempt(gateway)
    assert len(receiver.received) == 1
    assert not await mentions(redis)


def test_a_canceled_batch_is_told_once(
    lone_gateway: httpx.Client, receiver: Receiver, eventually: Eventually
) -> None:
    request = {"items": [{"client_ref": "a"}], "webhook_url": receiver.url}
    links = lone_gateway.post("/v1/batches", json=request).raise_for_status().json()["links"]
    other = {"items": [{"client_ref": "b"}], "webhook_url": f"{receiver.url}/other"}
    rest = lone_gateway.post("/v1/batches", json=other).raise_for_status().json()["links"]
    for _ in range(2):
        assert lone_gateway.post(links["cancel"]).json()["status"] == "canceled"
    eventually(lambda: len(receiver.received) == 1)
    assert lone_gateway.post(rest["cancel"]).is_success
    eventually(lambda: len(receiver.received) == 2)
    assert [message.path for message in receiver.received] == ["/hook", "/hook/other"]
