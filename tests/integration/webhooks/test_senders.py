"""Several gateways, senders that die, jobs that go away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest
from anyio import to_thread
from redis.asyncio import Redis

from service.schemas import Delivery
from service.store.names import WEBHOOKS_DUE
from service.webhooks.notices import DeliveryLog
from service.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver, Subjects

pytestmark = [pytest.mark.integration, pytest.mark.anyio]
TENANT = "lab"
LEASE_S = 60.0
Eventually = Callable[..., None]
Running = Callable[..., AbstractAsyncContextManager[None]]
Attempt = Callable[[], Awaitable[None]]
DeliveryOf = Callable[..., Awaitable[Delivery]]


async def test_one_sender_at_a_time_holds_a_delivery(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, delivery_of: DeliveryOf
) -> None:
    await subjects.end(receiver.url)
    first = await webhooks.store.claim(LEASE_S)
    assert first is not None
    assert await webhooks.store.claim(LEASE_S) is None
    under_way = await delivery_of()
    assert (under_way.state, under_way.next_attempt_at) == ("pending", None)
    await webhooks.redeliver("job_1", under_way.id)
    assert await webhooks.store.claim(LEASE_S) is None
    await webhooks.sender.deliver(first)
    assert len(receiver.received) == 1


async def test_what_a_dead_sender_held_is_delivered_by_another(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    await subjects.end(receiver.url)
    dead = await webhooks.store.claim(lease_s=0.0)
    assert dead is not None
    await attempt()
    assert (await delivery_of()).state == "delivered"
    # Should it come to life after all, it changes nothing.
    later = datetime.now(UTC) + timedelta(hours=1)
    assert not await webhooks.store.finish(dead, DeliveryLog(), 0.0, later)
    assert (await delivery_of()).state == "delivered"
    assert len(receiver.received) == 1


async def test_a_deleted_job_leaves_nothing_even_in_mid_attempt(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, redis: Redis, attempt: Attempt
) -> None:
    for subject_id in ("job_1", "job_2", "job_3"):
        await subjects.end(receiver.url, subject_id)
    await attempt()
    held = await webhooks.store.claim(LEASE_S)
    assert held is not None
    for subject_id in ("job_1", "job_2", "job_3"):
        await webhooks.forget(subject_id)
        assert await webhooks.deliveries(subject_id) == []
    await webhooks.sender.deliver(held)
    secret_key = f"madv:webhooks:secrets:{TENANT}".encode()
    assert await redis.keys("madv:webhooks:*") == [secret_key]


async def test_a_job_that_is_gone_is_forgotten(
    subjects: Subjects, receiver: Receiver, redis: Redis, attempt: Attempt
) -> None:
    await subjects.end(receiver.url)
    subjects.notices.clear()
    await attempt()
    assert receiver.received == []
    assert await redis.keys("madv:webhooks:*") == []


async def test_two_gateways_deliver_each_message_once(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    eventually: Eventually,
    running: Running,
) -> None:
    expected = {await subjects.end(receiver.url, f"job_{number}") for number in range(40)}
    async with running(webhooks.sender, replace(webhooks.sender)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) >= len(expected))
        assert await webhooks.store.claim(LEASE_S) is None
    ids = [message.headers["webhook-id"] for message in receiver.received]
    assert sorted(ids) == sorted(f"msg_{subject_id}" for subject_id in expected)


async def test_one_delivery_that_goes_wrong_on_our_side_stops_no_other(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    eventually: Eventually,
    delivery_of: DeliveryOf,
    running: Running,
) -> None:
    await subjects.end(receiver.url, "job_broken")
    await subjects.end(receiver.url, "job_2")
    async with running(replace(webhooks.sender, parallel=1)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 1)
    assert receiver.received[0].headers["webhook-id"] == "msg_job_2"
    assert (await delivery_of("job_broken")).state == "pending"


async def test_deliveries_run_side_by_side_up_to_a_bound(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    eventually: Eventually,
    running: Running,
) -> None:
    receiver.released = Event()
    for number in range(5):
        await subjects.end(receiver.url, f"job_{number}")
    async with running(replace(webhooks.sender, parallel=3)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 3)
        assert await subjects.redis.zcard(WEBHOOKS_DUE) == 2
        receiver.released.set()
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 5)
