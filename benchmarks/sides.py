"""The two servers that are compared, each a process of its own behind the same uvicorn."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

from service.embedded.ports import free_ports
from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis, redis_command, send
from service.embedded.wiring import Wiring
from service.store.accounts import Accounts, KeyRequest
from service.store.connection import connect_async

_START_S: Final = 30.0
_KEYS: Final = {"MADV_AUTH": "required", "MADV_MAX_QUEUED": "1000000"}


@dataclass(frozen=True, slots=True)
class Side:
    """A running server."""

    port: int
    pid: int
    key: str = ""
    """What its callers show."""


@contextmanager
def gateway(folder: Path) -> Iterator[Side]:
    """Our gateway with a Redis and a blob folder of its own, and nobody who works on the jobs."""
    (folder / "logs").mkdir(parents=True)
    wiring = Wiring.plan(folder, folder, gateway_port=None, with_triton=False, settings=_KEYS)
    with ExitStack() as stack:
        stack.enter_context(_running(redis_command(find_redis(), wiring)))
        _wait_for(lambda: send(wiring, "PING") == b"+PONG")
        child = stack.enter_context(_running(wiring.gateway()))
        _wait_for(lambda: _answers(f"{wiring.gateway_url}/v1/health/live"))
        key = asyncio.run(_new_key(wiring.environment()["MADV_REDIS_URL"]))
        yield Side(wiring.gateway_port, child.pid, key)


@contextmanager
def bare(folder: Path, sample: bytes, spool: Literal["disk", "memory"]) -> Iterator[Side]:
    """The app of `bare.py`, which answers everything with `sample`."""
    folder.mkdir()
    (port,) = free_ports(1)
    script, answer = Path(__file__).with_name("bare.py"), folder / "answer.json"
    answer.write_bytes(sample)
    argv = (sys.executable, str(script), str(port), str(answer), spool)
    with _running(Command("bare", argv, folder / "bare.log")) as child:
        _wait_for(lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield Side(port, child.pid)


async def _new_key(redis_url: str) -> str:
    redis = connect_async(redis_url, _START_S)
    try:
        key, _ = await Accounts(redis).create(KeyRequest(tenant="benchmark"))
    finally:
        await redis.aclose()
    return key


@contextmanager
def _running(command: Command) -> Iterator[Child]:
    child = Child(command)
    try:
        yield child
    finally:
        child.stop()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _START_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"a server was not up within {_START_S:.0f} s")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
