"""Targets nothing is delivered to, whichever way leads there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from service.errors import GatewayCode, ProblemError
from service.schemas import Attempt, Delivery
from service.webhooks.targets import TargetGuard
from service.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver, Subjects

pytestmark = [pytest.mark.integration, pytest.mark.anyio]
TENANT = "lab"
Outcome = Callable[[str], Awaitable[Attempt]]


@pytest.fixture
def outcome(
    subjects: Subjects,
    attempt: Callable[[], Awaitable[None]],
    delivery_of: Callable[[], Awaitable[Delivery]],
) -> Outcome:
    """What is logged of one attempt at a target."""

    async def find(url: str) -> Attempt:
        await subjects.end(url)
        await attempt()
        (logged,) = (await delivery_of()).attempts
        return logged

    return find


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:2]:{port}/",
        "http://localhost.:{port}/",
        "http://2130706434:{port}/",
        "http://0x7f000002:{port}/",
        "http://127.2:{port}/",
        "http://[64:ff9b::7f00:2]:{port}/",
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/",
        "http://10.0.0.1/",
        "//10.0.0.1/",
        "http://user:word@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("status", [307, 308])
async def test_redirects_lead_nowhere_the_target_itself_could_not_be(
    receiver: Receiver,
    neighbour: Receiver,
    outcome: Outcome,
    location: str,
    status: int,
) -> None:
    receiver.will(status, location=location.format(port=neighbour.port))
    logged = await outcome(receiver.url)
    assert (logged.status, logged.error) == (status, "redirect-refused")
    assert len(receiver.received) == 1
    assert neighbour.received == []


async def test_permitted_redirects_are_followed_with_the_message(
    webhooks: Webhooks, receiver: Receiver, outcome: Outcome
) -> None:
    receiver.will(307, location="/moved")
    receiver.will(308, location=receiver.url)
    logged = await outcome(receiver.url)
    assert (logged.status, logged.error) == (200, None)
    assert [message.path for message in receiver.received] == ["/hook", "/moved", "/hook"]
    secret = await webhooks.secret(TENANT)
    assert all(message.verified(secret) for message in receiver.received)


async def test_redirects_end(receiver: Receiver, outcome: Outcome) -> None:
    for _ in range(10):
        receiver.will(307, location="/hook")
    logged = await outcome(receiver.url)
    assert (logged.status, logged.error) == (307, "too-many-redirects")
    assert len(receiver.received) == 4


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.2:{port}/", "target-refused"),
        ("https://[::ffff:127.0.0.1]:{port}/", "target-refused"),
        ("https://localhost.invalid:{port}/", "host-not-found"),
    ],
)
async def test_what_was_refused_at_submission_is_refused_at_delivery_too(
    neighbour: Receiver, outcome: Outcome, url: str, error: str
) -> None:
    logged = await outcome(url.format(port=neighbour.port))
    assert (logged.status, logged.error) == (None, error)
    assert neighbour.received == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.2/", "public"),
        ("https://localhost.invalid/", "resolved"),
        ("http://example.org/", "https"),
        ("https://2130706433/", "spelled"),
    ],
)
async def test_bad_targets_are_refused_at_submission(
    webhooks: Webhooks, url: str, why: str
) -> None:
    if url.startswith("http:"):
        webhooks = replace(webhooks, guard=TargetGuard())
    with pytest.raises(ProblemError, match=why) as caught:
        await webhooks.refuse_bad_target(url)
    assert caught.value.code is GatewayCode.WEBHOOK_TARGET_REFUSED


async def test_good_targets_pass_at_submission(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.refuse_bad_target(receiver.url)
