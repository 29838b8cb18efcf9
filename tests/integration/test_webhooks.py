"""Deliveries to real receivers on this machine, kept in a real Redis."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Event, Thread

import pytest
import trustme
from anyio import to_thread
from redis.asyncio import Redis
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.errors import GatewayCode, ProblemError
from service.schemas import Delivery
from service.settings import GatewaySettings
from service.store.connection import connect_async
from service.store.names import WEBHOOKS_DUE
from service.store.webhooks import WebhookStore
from service.webhooks.delivery import Answer, AttemptError, Courier
from service.webhooks.notices import DeliveryLog, Notice
from service.webhooks.sender import Sender
from service.webhooks.targets import TargetGuard
from service.webhooks.webhooks import Webhooks

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Eventually = Callable[..., None]
LEASE_S = 60.0
TENANT = "lab"
NETWORKS = (ip_network("127.0.0.1/32"),)


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    def verified(self, secret: str) -> object:
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """Somebody's webhook endpoint: answers what the script says, then 200."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    script: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    body: bytes = b"thanks"
    repeats: int = 1
    released: Event | None = None

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.server.server_address[0]}:{self.port}/hook"

    def will(self, status: int, **headers: str) -> None:
        self.script.append((status, headers))


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name http.server calls
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if receiver.released is not None:
                receiver.released.wait(30)
            status, headers = receiver.script.pop(0) if receiver.script else (200, {})
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for _ in range(receiver.repeats):
                    self.wfile.write(receiver.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


def serve(host: str, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = ThreadingHTTPServer((host, 0), BaseHTTPRequestHandler)
    receiver = Receiver(server)
    server.RequestHandlerClass = handler_of(receiver)
    # A client that refuses the certificate is no news.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # as its documentation says
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        receiver.scheme = "https"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    if receiver.released is not None:
        receiver.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The one target that is permitted."""
    yield from serve("127.0.0.1")


@pytest.fixture
def neighbour() -> Iterator[Receiver]:
    """Within reach, but not permitted."""
    yield from serve("127.0.0.2")


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_receiver(authority: trustme.CA) -> Iterator[Receiver]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example.org").configure_cert(context)
    yield from serve("127.0.0.1", context)


@pytest.fixture
async def redis(wiring: Wiring, redis_server: Child) -> AsyncIterator[Redis]:
    assert redis_server.returncode is None
    connection = connect_async(wiring.environment()["MADV_REDIS_URL"], timeout_s=5.0)
    yield connection
    await connection.aclose()


@dataclass
class Subjects:
    """Jobs that have ended; stands for the job store."""

    redis: Redis
    notices: dict[str, Notice] = field(default_factory=dict)

    async def find(self, subject_id: str) -> Notice | None:
        if subject_id == "job_broken":
            raise ValueError("a record nobody can read")
        return self.notices.get(subject_id)

    async def end(self, url: str, subject_id: str = "job_1", tenant: str = TENANT) -> str:
        now = datetime.now(UTC)
        path = f"/v1/jobs/{subject_id}"
        self.notices[subject_id] = Notice(subject_id, tenant, "succeeded", url, path, now)
        await self.redis.zadd(WEBHOOKS_DUE, {subject_id: now.timestamp()})
        return subject_id


@pytest.fixture
def subjects(redis: Redis) -> Subjects:
    return Subjects(redis)


@pytest.fixture
def webhooks(redis: Redis, subjects: Subjects) -> Webhooks:
    settings = GatewaySettings(
        blob_url="memory:///",
        webhook_networks=NETWORKS,
        webhook_timeout_s=5,
        webhook_retries_s=(0.01, 0.01),
    )
    planned = Webhooks.plan(settings, WebhookStore(redis), subjects.find)
    # What waits for a retry is due at once.
    return replace(planned, sender=replace(planned.sender, retries_s=(0.0, 0.0)))


async def attempt(webhooks: Webhooks) -> None:
    claim = await webhooks.store.claim(LEASE_S)
    assert claim is not None
    await webhooks.sender.deliver(claim)


async def only_delivery(webhooks: Webhooks, subject_id: str = "job_1") -> Delivery:
    (delivery,) = await webhooks.deliveries(subject_id)
    return delivery


@asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    yield
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_the_receiver_can_verify_what_it_is_told(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    await subjects.end(receiver.url)
    assert (await only_delivery(webhooks)).state == "pending"
    await attempt(webhooks)
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
    delivery = await only_delivery(webhooks)
    assert (delivery.id, delivery.job_id) == (message.headers["webhook-id"], "job_1")
    assert (delivery.state, delivery.next_attempt_at) == ("delivered", None)
    assert [(one.status, one.error) for one in delivery.attempts] == [(200, None)]


async def test_a_failure_is_tried_again_under_the_same_id(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    receiver.will(500)
    await subjects.end(receiver.url)
    await attempt(webhooks)
    pending = await only_delivery(webhooks)
    assert pending.state == "pending"
    assert pending.next_attempt_at is not None
    await attempt(webhooks)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert second.verified(await webhooks.secret(TENANT))
    delivery = await only_delivery(webhooks)
    assert delivery.state == "delivered"
    assert [one.status for one in delivery.attempts] == [500, 200]


async def test_tries_are_used_up_and_what_the_target_said_is_not_kept(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    receiver.body = b"confidential"
    for status in (500, 404, 302):
        receiver.will(status, location="http://127.0.0.2/")
        if status == 500:
            await subjects.end(receiver.url)
        await attempt(webhooks)
    delivery = await only_delivery(webhooks)
    assert (delivery.state, delivery.next_attempt_at) == ("failed", None)
    assert [one.status for one in delivery.attempts] == [500, 404, 302]
    assert "confidential" not in delivery.model_dump_json()
    assert await webhooks.store.claim(LEASE_S) is None


async def test_gone_disables_a_target_for_its_tenant_until_redelivery(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    receiver.will(410)
    await subjects.end(receiver.url)
    await attempt(webhooks)
    assert (await only_delivery(webhooks)).state == "disabled"
    await subjects.end(receiver.url, "job_2")
    await attempt(webhooks)
    assert len(receiver.received) == 1
    skipped = await only_delivery(webhooks, "job_2")
    assert (skipped.state, skipped.attempts) == ("disabled", [])
    await subjects.end(receiver.url, "job_3", tenant="another")
    await attempt(webhooks)
    assert (await only_delivery(webhooks, "job_3")).state == "delivered"

    asked = await webhooks.redeliver("job_2", skipped.id)
    assert asked.state == "pending"
    await attempt(webhooks)
    assert (await only_delivery(webhooks, "job_2")).state == "delivered"
    await subjects.end(receiver.url, "job_4")
    await attempt(webhooks)
    assert (await only_delivery(webhooks, "job_4")).state == "delivered"


async def test_redelivery_starts_a_new_round_under_the_same_id(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    await subjects.end(receiver.url)
    await attempt(webhooks)
    delivered = await only_delivery(webhooks)
    receiver.will(500)
    assert (await webhooks.redeliver("job_1", delivered.id)).state == "pending"
    await attempt(webhooks)
    assert (await only_delivery(webhooks)).state == "pending"
    await attempt(webhooks)
    assert len({message.headers["webhook-id"] for message in receiver.received}) == 1
    assert [one.status for one in (await only_delivery(webhooks)).attempts] == [200, 500, 200]


@pytest.mark.parametrize(("subject", "delivery"), [("job_1", "msg_job_2"), ("job_2", "msg_job_2")])
async def test_unknown_deliveries_are_not_redelivered(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, subject: str, delivery: str
) -> None:
    await subjects.end(receiver.url)
    with pytest.raises(ProblemError) as caught:
        await webhooks.redeliver(subject, delivery)
    assert caught.value.code is GatewayCode.DELIVERY_NOT_FOUND


async def test_secrets_are_kept_per_tenant_and_overlap_when_rotated(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    first = await webhooks.secret(TENANT)
    assert await webhooks.secret(TENANT) == first != await webhooks.secret("another")
    second = await webhooks.rotate_secret(TENANT)
    assert await webhooks.secret(TENANT) == second != first
    await subjects.end(receiver.url)
    await attempt(webhooks)
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
async def test_redirects_lead_nowhere_the_target_itself_could_not_be(  # fixtures
    webhooks: Webhooks,
    subjects: Subjects,
    receiver: Receiver,
    neighbour: Receiver,
    location: str,
    status: int,
) -> None:
    receiver.will(status, location=location.format(port=neighbour.port))
    await subjects.end(receiver.url)
    await attempt(webhooks)
    (logged,) = (await only_delivery(webhooks)).attempts
    assert (logged.status, logged.error) == (status, "redirect-refused")
    assert len(receiver.received) == 1
    assert neighbour.received == []


async def test_permitted_redirects_are_followed_with_the_message(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    receiver.will(307, location="/moved")
    receiver.will(308, location=receiver.url)
    await subjects.end(receiver.url)
    await attempt(webhooks)
    assert [message.path for message in receiver.received] == ["/hook", "/moved", "/hook"]
    secret = await webhooks.secret(TENANT)
    assert all(message.verified(secret) for message in receiver.received)
    assert (await only_delivery(webhooks)).state == "delivered"


async def test_redirects_end(webhooks: Webhooks, subjects: Subjects, receiver: Receiver) -> None:
    for _ in range(10):
        receiver.will(307, location="/hook")
    await subjects.end(receiver.url)
    await attempt(webhooks)
    (logged,) = (await only_delivery(webhooks)).attempts
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
    webhooks: Webhooks, subjects: Subjects, neighbour: Receiver, url: str, error: str
) -> None:
    await subjects.end(url.format(port=neighbour.port))
    await attempt(webhooks)
    (logged,) = (await only_delivery(webhooks)).attempts
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
    permitted = tuple(ip_network(network) for network in networks) or NETWORKS
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


async def test_a_target_that_never_stops_talking_is_not_listened_to(
    receiver: Receiver, authority: trustme.CA
) -> None:
    receiver.body, receiver.repeats = b"x" * 65536, 1_000_000
    answer = await courier(Names([]), authority).post(receiver.url, {}, b"{}")
    assert answer == Answer(200)


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


async def test_one_sender_at_a_time_holds_a_delivery(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    await subjects.end(receiver.url)
    first = await webhooks.store.claim(LEASE_S)
    assert first is not None
    assert await webhooks.store.claim(LEASE_S) is None
    under_way = await only_delivery(webhooks)
    assert (under_way.state, under_way.next_attempt_at) == ("pending", None)
    await webhooks.redeliver("job_1", under_way.id)
    assert await webhooks.store.claim(LEASE_S) is None
    await webhooks.sender.deliver(first)
    assert len(receiver.received) == 1


async def test_what_a_dead_sender_held_is_delivered_by_another(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver
) -> None:
    await subjects.end(receiver.url)
    dead = await webhooks.store.claim(lease_s=0.0)
    assert dead is not None
    await attempt(webhooks)
    assert (await only_delivery(webhooks)).state == "delivered"
    # Should it come to life after all, it changes nothing.
    assert not await webhooks.store.finish(dead, DeliveryLog(), 0.0)
    assert (await only_delivery(webhooks)).state == "delivered"
    assert len(receiver.received) == 1


async def test_a_deleted_job_leaves_nothing_even_in_mid_attempt(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, redis: Redis
) -> None:
    for subject_id in ("job_1", "job_2", "job_3"):
        await subjects.end(receiver.url, subject_id)
    await attempt(webhooks)
    held = await webhooks.store.claim(LEASE_S)
    assert held is not None
    for subject_id in ("job_1", "job_2", "job_3"):
        await webhooks.forget(subject_id)
        assert await webhooks.deliveries(subject_id) == []
    await webhooks.sender.deliver(held)
    secret_key = f"madv:webhooks:secrets:{TENANT}".encode()
    assert await redis.keys("madv:webhooks:*") == [secret_key]


async def test_a_job_that_is_gone_is_forgotten(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, redis: Redis
) -> None:
    await subjects.end(receiver.url)
    subjects.notices.clear()
    await attempt(webhooks)
    assert receiver.received == []
    assert await redis.keys("madv:webhooks:*") == []


async def test_two_gateways_deliver_each_message_once(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, eventually: Eventually
) -> None:
    expected = {await subjects.end(receiver.url, f"job_{number}") for number in range(40)}
    async with running(webhooks.sender, replace(webhooks.sender)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) >= len(expected))
        assert await webhooks.store.claim(LEASE_S) is None
    ids = [message.headers["webhook-id"] for message in receiver.received]
    assert sorted(ids) == sorted(f"msg_{subject_id}" for subject_id in expected)


async def test_one_delivery_that_goes_wrong_on_our_side_stops_no_other(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, eventually: Eventually
) -> None:
    await subjects.end(receiver.url, "job_broken")
    await subjects.end(receiver.url, "job_2")
    async with running(replace(webhooks.sender, parallel=1)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 1)
    assert receiver.received[0].headers["webhook-id"] == "msg_job_2"
    assert (await only_delivery(webhooks, "job_broken")).state == "pending"


async def test_deliveries_run_side_by_side_up_to_a_bound(
    webhooks: Webhooks, subjects: Subjects, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.released = Event()
    for number in range(5):
        await subjects.end(receiver.url, f"job_{number}")
    async with running(replace(webhooks.sender, parallel=3)):
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 3)
        assert await subjects.redis.zcard(WEBHOOKS_DUE) == 2
        receiver.released.set()
        await to_thread.run_sync(eventually, lambda: len(receiver.received) == 5)
