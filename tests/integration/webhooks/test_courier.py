"""One attempt over HTTP and TLS, to the address that was checked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from threading import Event
from typing import TYPE_CHECKING

import pytest
import trustme

from service.webhooks.delivery import Answer, AttemptError, Courier
from service.webhooks.targets import TargetGuard

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


class Names:
    """A resolver whose answers change; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert host.endswith(".example.org")
        assert port
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def courier(names: Names, authority: trustme.CA, *networks: str, timeout_s: float = 5.0) -> Courier:
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    permitted = tuple(ip_network(network) for network in networks) or (ip_network("127.0.0.1/32"),)
    return Courier(TargetGuard(permitted, names), timeout_s, tls)


async def test_tls_is_verified_against_the_name_though_an_address_is_called(
    tls_receiver: Receiver, authority: trustme.CA
) -> None:
    port = tls_receiver.port
    sender = courier(Names(["127.0.0.1"]), authority)
    answer = await sender.post(f"https://hooks.example.org:{port}/hook", {}, b"{}")
    assert answer == Answer(200)
    (message,) = tls_receiver.received
    assert message.headers["host"] == f"hooks.example.org:{port}"
    for host in ("other.example.org", "127.0.0.1"):
        answer = await sender.post(f"https://{host}:{port}/hook", {}, b"{}")
        assert answer == Answer(error=AttemptError.TLS_FAILED)
    assert len(tls_receiver.received) == 1


async def test_certificates_of_strangers_are_refused(tls_receiver: Receiver) -> None:
    sender = courier(Names(["127.0.0.1"]), trustme.CA())
    answer = await sender.post(f"https://hooks.example.org:{tls_receiver.port}/", {}, b"{}")
    assert answer == Answer(error=AttemptError.TLS_FAILED)
    assert tls_receiver.received == []


async def test_a_name_that_changes_its_address_after_the_check_changes_nothing(
    receiver: Receiver, neighbour: Receiver, authority: trustme.CA
) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    sender = courier(names, authority)
    url = f"http://hooks.example.org:{receiver.port}/hook"
    assert await sender.post(url, {}, b"{}") == Answer(200)
    assert (names.asked, len(receiver.received)) == (1, 1)
    assert await sender.post(url, {}, b"{}") == Answer(error=AttemptError.TARGET_REFUSED)
    assert neighbour.received == []


async def test_a_redirect_to_the_same_name_is_resolved_and_checked_again(
    receiver: Receiver, neighbour: Receiver, authority: trustme.CA
) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    receiver.will(307, location=f"http://hooks.example.org:{neighbour.port}/")
    answer = await courier(names, authority).post(
        f"http://hooks.example.org:{receiver.port}/", {}, b"{}"
    )
    assert answer == Answer(307, AttemptError.REDIRECT_REFUSED)
    assert neighbour.received == []


async def test_all_addresses_of_a_name_are_tried(receiver: Receiver, authority: trustme.CA) -> None:
    sender = courier(Names(["127.0.0.3", "127.0.0.1"]), authority, "127.0.0.0/8")
    answer = await sender.post(f"http://hooks.example.org:{receiver.port}/", {}, b"{}")
    assert answer == Answer(200)


async def test_proxies_of_the_environment_are_not_asked(
    receiver: Receiver, neighbour: Receiver, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.2:{neighbour.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.2:{neighbour.port}")
    answer = await courier(Names([]), authority).post(receiver.url, {}, b"{}")
    assert answer == Answer(200)
    assert neighbour.received == []


async def test_a_target_that_never_answers_costs_one_time_out(
    receiver: Receiver, authority: trustme.CA
) -> None:
    receiver.released = Event()
    answer = await courier(Names([]), authority, timeout_s=0.2).post(receiver.url, {}, b"{}")
    assert answer == Answer(error=AttemptError.TIMEOUT)


async def test_redirects_share_the_time_of_one_attempt(
    receiver: Receiver, authority: trustme.CA
) -> None:
    receiver.released, receiver.pause_s = Event(), 0.2
    for _ in range(3):
        receiver.will(307, location="/hook")
    answer = await courier(Names([]), authority, timeout_s=0.5).post(receiver.url, {}, b"{}")
    assert answer == Answer(error=AttemptError.TIMEOUT)


async def test_a_target_that_never_stops_talking_is_not_listened_to(
    receiver: Receiver, authority: trustme.CA
) -> None:
    receiver.body, receiver.repeats = b"x" * 65536, 1_000_000
    answer = await courier(Names([]), authority).post(receiver.url, {}, b"{}")
    assert answer == Answer(200)
    # What lies in the sockets' buffers counts as sent.
    assert receiver.sent_bytes < 32 * 1024 * 1024


async def test_nobody_there_and_nonsense_are_told_apart(
    receiver: Receiver, tls_receiver: Receiver, authority: trustme.CA
) -> None:
    sender = courier(Names([]), authority)
    free = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = free.sockets[0].getsockname()[1]
    free.close()
    await free.wait_closed()
    refused = await sender.post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert refused == Answer(error=AttemptError.CONNECTION_FAILED)
    plain = await sender.post(f"https://127.0.0.1:{receiver.port}/", {}, b"{}")
    assert plain == Answer(error=AttemptError.TLS_FAILED)
    silent = await sender.post(f"http://127.0.0.1:{tls_receiver.port}/", {}, b"{}")
    assert silent.error in {AttemptError.PROTOCOL_ERROR, AttemptError.CONNECTION_FAILED}
