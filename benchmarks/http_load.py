"""Load over HTTP/1.1: callbacks on raw keep-alive connections, so that the sender costs little."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
_LENGTH: Final = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_HEAD_END: Final = b"\r\n\r\n"
_STALLED_S: Final = 60.0

Request = Sequence[bytes]
"""A whole request in pieces, which are sent without being joined."""


class UnexpectedAnswer(Exception):
    """The server answered something else than what is measured, or hung up."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and what they are answered with."""

    port: int
    next_request: Callable[[], Request]
    status: int


@dataclass(slots=True)
class Load:
    """What a round of requests came to."""

    wall_s: float
    busy_s: float
    """Processor time this process spent; near `wall_s` the sender was the bottleneck."""
    latencies_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Requests answered per second."""
        return len(self.latencies_s) / self.wall_s


def get(path: str, headers: Sequence[str] = ()) -> Request:
    """A GET request."""
    return (head("GET", path, headers),)


def post_nothing(path: str, headers: Sequence[str] = ()) -> Request:
    """A POST request without a body."""
    return (head("POST", path, (*headers, "Content-Length: 0")),)


def post_file(path: str, content: Sequence[bytes], headers: Sequence[str] = ()) -> Request:
    """A form with one file, whose content is given in pieces."""
    opening, closing = multipart_frame()
    length = len(opening) + sum(map(len, content)) + len(closing)
    fields = (*headers, MULTIPART, f"Content-Length: {length}")
    return (head("POST", path, fields), opening, *content, closing)


MULTIPART: Final = "Content-Type: multipart/form-data; boundary=frame"


def multipart_frame() -> tuple[bytes, bytes]:
    """What stands before and after the file in its form."""
    part = b'Content-Disposition: form-data; name="file"; filename="clip.mp4"'
    return b"--frame\r\n" + part + _HEAD_END, b"\r\n--frame--\r\n"


def head(method: str, path: str, headers: Sequence[str]) -> bytes:
    """A request up to its body."""
    lines = (f"{method} {path} HTTP/1.1", f"Host: {HOST}", *headers)
    return "\r\n".join(lines).encode() + _HEAD_END


async def run(target: Target, connections: int, seconds: float) -> Load:
    """Keep that many requests in flight for a while; count the answers."""
    loop = asyncio.get_running_loop()
    clients = [_Client(target, loop.create_future()) for _ in range(connections)]
    for client in clients:
        await client.connect()
    started_s, started_busy_s = time.perf_counter(), time.process_time()
    for client in clients:
        client.start(until=started_s + seconds)
    async with asyncio.timeout(seconds + _STALLED_S):
        await asyncio.gather(*(client.done for client in clients))
    load = Load(time.perf_counter() - started_s, time.process_time() - started_busy_s)
    for client in clients:
        load.latencies_s += client.latencies_s
        client.close()
    return load


async def ask(target: Target) -> bytes:
    """The body of the answer to one request."""
    loop = asyncio.get_running_loop()
    client = _Client(target, loop.create_future())
    await client.connect()
    client.start(until=0.0)
    async with asyncio.timeout(_STALLED_S):
        await client.done
    client.close()
    return client.body


class _Client(asyncio.Protocol):
    """One connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, target: Target, done: asyncio.Future[None]) -> None:
        self.latencies_s: list[float] = []
        self.done = done
        self.body = b""
        self._target = target
        self._received = bytearray()
        self._sent_s = 0.0
        self._until = 0.0

    async def connect(self) -> None:
        """Open the connection."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, HOST, self._target.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a TCP connection is a stream")
        self._transport = transport

    def start(self, until: float) -> None:
        """Send requests until then (`time.perf_counter`), at least one."""
        self._until = until
        self._send()

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_HEAD_END)
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end)
        body_at = end + len(_HEAD_END)
        if length is None or len(self._received) - body_at < int(length[1]):
            return
        self._answered(body_at)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(UnexpectedAnswer(f"the server hung up: {exc}"))

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.writelines(self._target.next_request())

    def _answered(self, body_at: int) -> None:
        now_s = time.perf_counter()
        if int(self._received[9:12]) != self._target.status:
            self.done.set_exception(UnexpectedAnswer(self._received.decode(errors="replace")))
            return
        self.latencies_s.append(now_s - self._sent_s)
        self.body = bytes(self._received[body_at:])
        self._received.clear()
        if now_s < self._until:
            self._send()
        else:
            self.done.set_result(None)
