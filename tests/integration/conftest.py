"""A gateway whose jobs nobody works on, for what happens before and without a worker."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis, redis_command, send
from service.embedded.wiring import Wiring
from service.store.accounts import KeyRequest, open_accounts


@dataclass(frozen=True)
class RunningGateway:
    child: Child
    http: httpx.Client
    """A client of it."""


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    """Addresses for a Redis and a gateway without models."""
    (tmp_path / "logs").mkdir()
    return Wiring.plan(
        tmp_path,
        tmp_path,
        gateway_port=None,
        with_triton=False,
        settings={
            "MADV_JOB_RETRIES": "0",
            "MADV_RESULT_TTL_MIN_S": "1",
            "MADV_SWEEP_INTERVAL_S": "0.2",
        },
    )


@pytest.fixture
def redis_server(wiring: Wiring, eventually: Callable[..., None]) -> Iterator[Child]:
    """A running Redis."""
    child = Child(redis_command(find_redis(), wiring))
    eventually(lambda: send(wiring, "PING") == b"+PONG")
    yield child
    child.stop()


@pytest.fixture
def lone_gateway(
    wiring: Wiring, redis_server: Child, eventually: Callable[..., None]
) -> Iterator[httpx.Client]:
    """A client of a gateway with Redis and blobs, but no worker."""
    assert redis_server.returncode is None
    with _gateway(wiring, wiring.gateway(), eventually) as running:
        yield running.http


@pytest.fixture
def locked_gateway(
    wiring: Wiring, redis_server: Child, eventually: Callable[..., None]
) -> Iterator[httpx.Client]:
    """The same of a gateway that asks for API keys; the client sends none by itself."""
    assert redis_server.returncode is None
    locked = replace(wiring, settings={**wiring.settings, "MADV_AUTH": "required"})
    with _gateway(locked, locked.gateway(), eventually) as running:
        yield running.http


@pytest.fixture
def run_gateway(
    wiring: Wiring, redis_server: Child, eventually: Callable[..., None]
) -> Callable[[Command], AbstractContextManager[RunningGateway]]:
    """Runs a gateway, started by a command of the test's own."""
    assert redis_server.returncode is None
    return lambda command: _gateway(wiring, command, eventually)


@pytest.fixture
def new_key(wiring: Wiring, redis_server: Child) -> Callable[..., str]:
    """Makes a key and returns it whole; takes the fields of a KeyRequest."""
    assert redis_server.returncode is None

    async def create(wanted: KeyRequest) -> str:
        async with open_accounts(wiring.redis_url, timeout_s=5.0) as accounts:
            return (await accounts.create(wanted))[0]

    def make(tenant: str = "lab", **wanted: object) -> str:
        return asyncio.run(create(KeyRequest.model_validate({"tenant": tenant, **wanted})))

    return make


@contextmanager
def _gateway(
    wiring: Wiring, command: Command, eventually: Callable[..., None]
) -> Iterator[RunningGateway]:
    child = Child(command)
    try:
        with httpx.Client(base_url=wiring.gateway_url, timeout=30.0) as http:

            def is_live() -> bool:
                assert child.returncode is None, child.obituary()
                try:
                    return http.get("/v1/health/live").is_success
                except httpx.TransportError:
                    return False

            eventually(is_live)
            yield RunningGateway(child, http)
    finally:
        child.stop()


@pytest.fixture
def descendants() -> Callable[[int], list[int]]:
    """The process ids of all children of a process, and of their children."""

    def children_of(pid: int) -> list[int]:
        tasks = Path(f"/proc/{pid}/task")
        return [
            int(child)
            for task in tasks.glob("*/children")
            for child in task.read_text(encoding="ascii").split()
        ]

    def all_below(pid: int) -> list[int]:
        return [below for child in children_of(pid) for below in (child, *all_below(child))]

    return all_below


@pytest.fixture
def is_gone() -> Callable[[int], bool]:
    """Whether a process has ended (a zombie has, too)."""

    def check(pid: int) -> bool:
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return True
        return status.rpartition(")")[2].split()[0] == "Z"

    return check
