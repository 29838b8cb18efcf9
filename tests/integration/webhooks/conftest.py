"""Receivers of webhooks on this machine, and jobs that have ended."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Event, Thread

import pytest
import trustme
from redis.asyncio import Redis
from standardwebhooks.webhooks import Webhook

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.schemas import Delivery
from service.settings import GatewaySettings
from service.store.connection import connect_async
from service.store.names import WEBHOOKS_DUE
from service.store.webhooks import WebhookStore
from service.webhooks.notices import Notice
from service.webhooks.sender import Sender
from service.webhooks.webhooks import Webhooks

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
    sent_bytes: int = 0
    released: Event | None = None
    pause_s: float = 30.0

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
            receiver.received.append(
                Received(
                    self.path, {name.lower(): value for name, value in self.headers.items()}, body
                )
            )
            if receiver.released is not None:
                receiver.released.wait(receiver.pause_s)
            status, headers = receiver.script.pop(0) if receiver.script else (200, {})
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for _ in range(receiver.repeats):
                    self.wfile.write(receiver.body)
                    receiver.sent_bytes += len(receiver.body)

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
def wiring(wiring: Wiring) -> Wiring:
    """A gateway that may call this machine, and does not wait long."""
    settings = {"MADV_WEBHOOK_NETWORKS": '["127.0.0.1/32"]', "MADV_WEBHOOK_RETRIES_S": "[0.1, 0.1]"}
    return replace(wiring, settings={**wiring.settings, **settings})


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
        forgotten_at = now + timedelta(hours=1)
        self.notices[subject_id] = Notice(
            subject_id, tenant, "succeeded", url, path, now, forgotten_at
        )
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
    attempts: list[str] = []  # what the metrics would count
    planned = Webhooks.plan(settings, WebhookStore(redis), subjects.find, attempts.append)
    # What waits for a retry is due at once.
    return replace(planned, sender=replace(planned.sender, retries_s=(0.0, 0.0)))


@pytest.fixture
def attempt(webhooks: Webhooks) -> Callable[[], Awaitable[None]]:
    """Makes the one attempt that is due."""

    async def make() -> None:
        claim = await webhooks.store.claim(LEASE_S)
        assert claim is not None
        await webhooks.sender.deliver(claim)

    return make


@pytest.fixture
def delivery_of(webhooks: Webhooks) -> Callable[..., Awaitable[Delivery]]:
    """The delivery of a job."""

    async def find(subject_id: str = "job_1") -> Delivery:
        (delivery,) = await webhooks.deliveries(subject_id)
        return delivery

    return find


@pytest.fixture
def running() -> Callable[..., AbstractAsyncContextManager[None]]:
    """Senders at work."""

    @asynccontextmanager
    async def run(*senders: Sender) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(sender.run()) for sender in senders]
        yield
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)

    return run
