"""What receivers get, and what is logged of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from service.errors import GatewayCode, ProblemError
from service.schemas import Delivery
from service.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver, Subjects

pytestmark = [pytest.mark.integration, pytest.mark.anyio]
TENANT = "lab"
LEASE_S = 60.0
Attempt = Callable[[], Awaitable[None]]
DeliveryOf = Callable[..., Awaitable[Delivery]]


async def test_the_receiver_can_verify_what_it_is_told(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    await subjects.end(receiver.url)
    assert (await delivery_of()).state == "pending"
    await attempt()
    (message,) = receiver.received
    told = message.verified(await webhooks.secret(TENANT))
    ended_at = subjects.notices["job_1"].ended_at.isoformat().replace("+00:00", "Z")
    assert told == {
        "type": "job.succeeded",
        "timestamp": ended_at,
        "data": {"id": "job_1", "status": "succeeded", "url": "/v1/jobs/job_1"},
    }
    assert message.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        message.verified(await webhooks.secret("somebody else"))
    delivery = await delivery_of()
    assert (delivery.id, delivery.job_id) == (message.headers["webhook-id"], "job_1")
    assert (delivery.state, delivery.next_attempt_at) == ("delivered", None)
    assert [(one.status, one.error) for one in delivery.attempts] == [(200, None)]


async def test_a_failure_is_tried_again_under_the_same_id(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    receiver.will(500)
    await subjects.end(receiver.url)
    await attempt()
    pending = await delivery_of()
    assert pending.state == "pending"
    assert pending.next_attempt_at is not None
    await attempt()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert second.verified(await webhooks.secret(TENANT))
    delivery = await delivery_of()
    assert delivery.state == "delivered"
    assert [one.status for one in delivery.attempts] == [500, 200]


async def test_tries_are_used_up_and_what_the_target_said_is_not_kept(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    receiver.body = b"confidential"
    for status in (500, 404, 302):
        receiver.will(status, location="http://127.0.0.2/")
        if status == 500:
            await subjects.end(receiver.url)
        await attempt()
    delivery = await delivery_of()
    assert (delivery.state, delivery.next_attempt_at) == ("failed", None)
    assert [one.status for one in delivery.attempts] == [500, 404, 302]
    assert "confidential" not in delivery.model_dump_json()
    assert await webhooks.store.claim(LEASE_S) is None


async def test_gone_disables_a_target_for_its_tenant_until_redelivery(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    receiver.will(410)
    await subjects.end(receiver.url)
    await attempt()
    assert (await delivery_of()).state == "disabled"
    await subjects.end(receiver.url, "job_2")
    await attempt()
    assert len(receiver.received) == 1
    skipped = await delivery_of("job_2")
    assert (skipped.state, skipped.attempts) == ("disabled", [])
    await subjects.end(receiver.url, "job_3", tenant="another")
    await attempt()
    assert (await delivery_of("job_3")).state == "delivered"

    asked = await webhooks.redeliver("job_2", skipped.id)
    assert asked.state == "pending"
    await attempt()
    assert (await delivery_of("job_2")).state == "delivered"
    await subjects.end(receiver.url, "job_4")
    await attempt()
    assert (await delivery_of("job_4")).state == "delivered"


async def test_redelivery_starts_a_new_round_under_the_same_id(
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    attempt: Attempt,
    delivery_of: DeliveryOf,
) -> None:
    await subjects.end(receiver.url)
    await attempt()
    delivered = await delivery_of()
    receiver.will(500)
    assert (await webhooks.redeliver("job_1", delivered.id)).state == "pending"
    await attempt()
    assert (await delivery_of()).state == "pending"
    await attempt()
    assert len({message.headers["webhook-id"] for message in receiver.received}) == 1
    assert [one.status for one in (await delivery_of()).attempts] == [200, 500, 200]


@pytest.mark.parametrize(("subject", "delivery"), [("job_1", "msg_job_2"), ("job_2", "msg_job_2")])
async def test_unknown_deliveries_are_not_redelivered(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, subject: str, delivery: str
) -> None:
    await subjects.end(receiver.url)
    with pytest.raises(ProblemError) as caught:
        await webhooks.redeliver(subject, delivery)
    assert caught.value.code is GatewayCode.DELIVERY_NOT_FOUND


async def test_secrets_are_kept_per_tenant_and_overlap_when_rotated(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, attempt: Attempt
) -> None:
    first = await webhooks.secret(TENANT)
    assert await webhooks.secret(TENANT) == first != await webhooks.secret("another")
    second = await webhooks.rotate_secret(TENANT)
    assert await webhooks.secret(TENANT) == second != first
    await subjects.end(receiver.url)
    await attempt()
    (message,) = receiver.received
    for secret in (first, second):
        assert message.verified(secret)
    assert len(message.headers["webhook-signature"].split(" ")) == 2
    for _ in range(20):
        await webhooks.rotate_secret(TENANT)
    assert len(await webhooks.store.secrets(TENANT, "unused")) == 4


async def test_a_secret_signs_no_more_after_the_overlap(webhooks: Webhooks) -> None:
    store = webhooks.store
    assert await store.secrets(TENANT, "whsec_old") == ["whsec_old"]
    await store.rotate(TENANT, "whsec_new", overlap_s=0.0)
    assert await store.secrets(TENANT, "whsec_unused") == ["whsec_new"]
