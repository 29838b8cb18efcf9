"""The supervisor of the embedded stack: Redis, Triton, workers and gateway as child processes.

All children belong to one thread, which starts them, watches them and stops them: the kernel ties
a child's leash to the thread that started it. A dead worker is replaced ("unless-stopped": RQ's
workers also exit with code 0 when Redis goes away); the death of anything else ends the stack.
"""

import fcntl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from service.embedded.address import publish_redis, withdraw_redis
from service.embedded.backend import BackendChoice, Requested, choose_backend, default_model_repo
from service.embedded.ports import is_listening
from service.embedded.processes import Child, Command, StackError
from service.embedded.redis import find_redis, redis_command, send
from service.embedded.triton import sweep_shared_memory, triton_command
from service.embedded.wiring import Wiring
from worker.contract import PROBE_KEY

_POLL_S = 0.1
_WORKER_DEATHS_ALLOWED = 5
_WORKER_DEATHS_WINDOW_S = 60.0


class Stopped(StackError):
    """Somebody asked for the end while the stack was still starting."""


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What a stack is made of. `port=None` takes a free one."""

    data_dir: Path
    port: int | None = None
    workers: int = 1
    backend: Requested = "auto"
    model_repo: Path = field(default_factory=default_model_repo)
    start_timeout_s: float = 120.0
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of gateway and workers, as `MADV_*` variables."""


class EmbeddedStack:
    """A context manager: ready inside (a clip sent now is analysed), gone after."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self._children: dict[str, Child] = {}
        self._worker_deaths: deque[float] = deque(maxlen=_WORKER_DEATHS_ALLOWED + 1)
        self._failure: BaseException | None = None
        self._is_started = threading.Event()
        self._stop_requested = threading.Event()
        self._has_ended = threading.Event()
        self._has_ended.set()
        self._thread = threading.Thread(target=self._supervise, name="madv-stack")

    @cached_property
    def backend(self) -> BackendChoice:
        """What answers the workers' inferences."""
        return choose_backend(self.config.backend)

    @cached_property
    def wiring(self) -> Wiring:
        """Ports, password and folders of this stack."""
        return Wiring.plan(
            self.config.data_dir.resolve(),
            self.config.model_repo.resolve(),
            gateway_port=self.config.port,
            with_triton=self.backend.triton is not None,
            settings=self.config.settings,
        )

    def __enter__(self) -> Self:
        self._has_ended.clear()
        self._thread.start()
        try:
            self._is_started.wait()
            self._raise_failure()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def gateway_url(self) -> str:
        """Where clips go."""
        return self.wiring.gateway_url

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by name: redis, triton, gateway, worker-0, ..."""
        return {name: child.pid for name, child in list(self._children.items())}

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return [pid for name, pid in self.pids.items() if _is_worker(name)]

    def wait(self) -> None:
        """Block until the stack ends. Raises StackError where it did so by itself."""
        self._has_ended.wait()
        self._raise_failure()

    def stop(self) -> None:
        """Stop all children and wait for it; may be called more than once."""
        self._stop_requested.set()
        # Not the thread's own `join`: interrupted by a signal, it takes the thread for ended.
        self._has_ended.wait()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _supervise(self) -> None:
        try:
            with _locked(self.wiring.data_dir):
                try:
                    self._start(time.monotonic() + self.config.start_timeout_s)
                    self._is_started.set()
                    self._watch()
                finally:
                    self._stop_children()
        except BaseException as failure:  # noqa: BLE001  # raised again by whoever waits
            self._failure = failure
        finally:
            self._is_started.set()
            self._has_ended.set()

    def _start(self, deadline: float) -> None:
        """Start what depends on nothing, then what depends on it; one deadline for all."""
        wiring = self.wiring
        if not any(wiring.model_repo.glob("*/config.pbtxt")):
            raise StackError(f"there are no models in {wiring.model_repo}, see README.md")
        sweep_shared_memory(wiring.data_dir)
        _put_old_logs_aside(wiring.data_dir / "logs")
        self._launch(redis_command(find_redis(), wiring))
        if self.backend.triton is not None:
            self._launch(triton_command(self.backend.triton, wiring))
        self._wait_for("redis", self._redis_answers, deadline)
        publish_redis(wiring.data_dir, wiring.redis_url)
        # A proof from an earlier run proves nothing about the workers about to start.
        send(wiring, "DEL", PROBE_KEY)
        self._launch(wiring.gateway())
        if wiring.triton_port is not None:
            port = wiring.triton_port
            self._wait_for("triton", lambda: is_listening(port), deadline)
        self._verify(deadline)
        for number in range(self.config.workers):
            self._launch(wiring.worker(f"worker-{number}", "run"))
        self._wait_for("gateway", self._gateway_is_ready, deadline)

    def _launch(self, command: Command) -> None:
        self._children[command.name] = Child(command)

    def _verify(self, deadline: float) -> None:
        """Have the worker compare the served models with its own idea of them, and run one."""
        self._launch(self.wiring.worker("verify", "verify"))
        verify = self._children.pop("verify")
        try:
            self._wait_for("verify", lambda: verify.returncode is not None, deadline)
        finally:
            verify.stop()
        if verify.returncode != 0:
            raise StackError(f"the models are not usable: {verify.obituary()}")

    def _wait_for(self, name: str, condition: Callable[[], bool], deadline: float) -> None:
        while not condition():
            self._tend()
            if time.monotonic() > deadline:
                limit_s, log = self.config.start_timeout_s, self.wiring.log(name)
                raise StackError(f"{name} was not ready {limit_s:.0f} s after the start, see {log}")
            if self._stop_requested.wait(_POLL_S):
                raise Stopped("asked to stop")

    def _watch(self) -> None:
        while not self._stop_requested.wait(_POLL_S):
            self._tend()

    def _tend(self) -> None:
        """Replace dead workers. Raises StackError where anything else has died."""
        for name, child in list(self._children.items()):
            if child.returncode is None:
                continue
            if not _is_worker(name):
                raise StackError(child.obituary())
            self._count_worker_death(child)
            child.stop()
            self._launch(child.command)

    def _count_worker_death(self, child: Child) -> None:
        now = time.monotonic()
        self._worker_deaths.append(now)
        is_full = len(self._worker_deaths) == self._worker_deaths.maxlen
        if is_full and now - self._worker_deaths[0] < _WORKER_DEATHS_WINDOW_S:
            raise StackError(f"workers keep dying: {child.obituary()}")

    def _stop_children(self) -> None:
        """Workers and gateway first, Redis last, so that nobody misses what they depend on."""
        withdraw_redis(self.wiring.data_dir)
        dependants = [name for name in self._children if _is_worker(name) or name == "gateway"]
        for name in dependants:
            self._children[name].ask_to_stop()
        for name in (*dependants, "triton", "redis"):
            if child := self._children.pop(name, None):
                child.stop()
        # A server that is stopped while it loads models leaves its regions behind.
        sweep_shared_memory(self.wiring.data_dir)

    def _redis_answers(self) -> bool:
        return send(self.wiring, "PING") == b"+PONG"

    def _gateway_is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.gateway_url}/v1/health/ready", timeout=5.0).is_success
        except httpx.TransportError:
            return False


def _is_worker(name: str) -> bool:
    return name.startswith("worker-")


def _put_old_logs_aside(folder: Path) -> None:
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """The data folder, private to this user and to one stack at a time."""
    for folder in (data_dir, data_dir / "logs", data_dir / "blobs"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise StackError(f"another stack is running on {data_dir}") from exc
        yield
