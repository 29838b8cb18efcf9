"""The whole service, each part of which can be killed, cut off, misled or run out of disk.

Parts are kept up as a container runtime keeps them ("unless stopped"). Their disks are small ones
of their own where this machine permits it, and their clocks can be set where libfaketime is found.
"""

import contextlib
import os
import shutil
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx
from redis import Redis
from surroundings import Clocks, Disks
from tcp_proxy import Proxy

from service.embedded.backend import choose_backend, default_model_repo
from service.embedded.ports import is_listening
from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis, redis_command
from service.embedded.triton import sweep_shared_memory, triton_command
from service.embedded.wiring import Wiring
from worker.contract import PROGRESS_META_KEY

MAX_QUEUED: Final = 12
WORKERS: Final = 2
SETTINGS: Final = {
    "MADV_SWEEP_INTERVAL_S": "1",
    "MADV_MAX_QUEUED": str(MAX_QUEUED),
    "MADV_UPLOAD_TIMEOUT_S": "5",
    "MADV_REDIS_TIMEOUT_S": "2",
    "OMP_NUM_THREADS": "1",
}
_LOOK_S: Final = 0.05
_RESTART_PAUSE_S: Final = 0.3


@dataclass
class Part:
    """One process that is kept up. `is_down`: it is to stay away for now."""

    command: Command
    is_down: bool = False
    child: Child | None = None
    rises_at: float = 0.0


@dataclass
class Site:
    """A context manager: up inside."""

    data_dir: Path
    parts: dict[str, Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("logs", "blobs", "redis", "audit"):
            (self.data_dir / name).mkdir(parents=True, exist_ok=True)
        self.triton = choose_backend("auto").triton
        self.wiring = Wiring.plan(
            self.data_dir,
            self._copy_of_models("models"),
            gateway_port=None,
            with_triton=self.triton is not None,
            settings=SETTINGS,
        )
        self._resources = ExitStack()
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="keeper")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as resources:
            self.disks = Disks.make([self.data_dir / "blobs", self.data_dir / "redis"])
            if self.disks is not None:
                resources.callback(self.disks.close)
            self.clocks = Clocks.find(self.data_dir)
            self.gateway_to_redis = resources.enter_context(Proxy(self.wiring.redis_port))
            self.workers_to_redis = resources.enter_context(Proxy(self.wiring.redis_port))
            self.to_triton = resources.enter_context(Proxy(self.wiring.triton_port or 9))
            self.redis = resources.enter_context(
                contextlib.closing(Redis.from_url(self.wiring.redis_url, socket_timeout=5.0))
            )
            self._plan()
            resources.callback(self._end)
            self._keeper.start()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.close()

    @property
    def url(self) -> str:
        """Of the gateway."""
        return self.wiring.gateway_url

    @property
    def workers(self) -> list[str]:
        """Names of the workers."""
        return [name for name in self.parts if name.startswith("worker")]

    def is_ready(self) -> bool:
        """Whether the service says that it is."""
        try:
            return httpx.get(f"{self.url}/v1/health/ready", timeout=5.0).is_success
        except httpx.TransportError:
            return False

    def is_triton_up(self) -> bool:
        """Whether it takes connections, which it does once its models are loaded."""
        return self.wiring.triton_port is not None and is_listening(self.wiring.triton_port)

    def strike(self, name: str, number: signal.Signals) -> int | None:
        """Send a signal to a part and to all it has started; its process id, None if it is away."""
        with self._lock:
            child = self.parts[name].child
            if child is None or child.returncode is not None:
                return None
            os.killpg(child.pid, number)
            return child.pid

    def take_down(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a part, which stays away until `bring_up`."""
        self.parts[name].is_down = True
        self.strike(name, number)

    def bring_up(self, name: str) -> None:
        """Have a part kept up again."""
        self.parts[name].is_down = False

    def is_away(self, name: str) -> bool:
        """Whether a part has ended."""
        child = self.parts[name].child
        return child is None or child.returncode is not None

    def seen(self, path: Path) -> Path:
        """A path as the parts see it."""
        return path if self.disks is None else self.disks.path(path)

    def files(self, folder: str) -> list[str]:
        """Names of the files below a folder of the blob store."""
        root = self.seen(self.data_dir / "blobs") / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def running(self) -> dict[str, str]:
        """The stage of each job a worker holds, by the name of that worker's process group."""
        stages = {}
        for worker in self.redis.scan_iter("rq:worker:*"):
            job_id, pid = self.redis.hmget(worker, "current_job", "pid")
            if job_id and pid:
                meta = self.redis.hget(f"rq:job:{job_id.decode()}", "meta") or b""
                stages[job_id.decode()] = f"{pid.decode()} {meta.decode()}"
        return stages

    def worker_at(self, stage: str) -> tuple[str, str] | None:
        """A job in that stage and the worker that holds it."""
        names = {part.child.pid: name for name, part in self.parts.items() if part.child}
        for job_id, told in self.running().items():
            pid, _, meta = told.partition(" ")
            if PROGRESS_META_KEY in meta and f'"{stage}"' in meta and int(pid) in names:
                return job_id, names[int(pid)]
        return None

    def _copy_of_models(self, name: str) -> Path:
        target = self.data_dir / name
        shutil.copytree(default_model_repo(), target, dirs_exist_ok=True)
        return target

    def _plan(self) -> None:
        far = replace(self.wiring, redis_port=self.workers_to_redis.port)
        if self.triton is not None:
            far = replace(far, triton_port=self.to_triton.port)
            self.parts["triton"] = Part(triton_command(self.triton, self.wiring))
        near = replace(self.wiring, redis_port=self.gateway_to_redis.port)
        self.parts["redis"] = Part(self._placed(redis_command(find_redis(), self.wiring), "redis"))
        self.parts["gateway"] = Part(self._placed(near.gateway(), "gateway"))
        for number in range(WORKERS):
            worker = far.worker(f"worker-{number}", "run")
            self.parts[worker.name] = Part(self._placed(worker, "workers"))

    def _placed(self, command: Command, clock: str) -> Command:
        """The command with a clock of its own and on the small disks."""
        if self.clocks is not None:
            command = replace(command, env={**command.env, **self.clocks.environment(clock)})
        return command if self.disks is None else self.disks.inside(command)

    def _keep(self) -> None:
        """Start what is to be there. One thread starts all: their leash is tied to it."""
        while not self._is_over.wait(_LOOK_S):
            for part in self.parts.values():
                with self._lock:
                    self._tend(part)
        for name in ("worker", "gateway", "triton", "redis"):
            for own, part in self.parts.items():
                if own.startswith(name) and part.child is not None:
                    part.child.stop()
        sweep_shared_memory(self.data_dir)

    def _tend(self, part: Part) -> None:
        if part.child is not None:
            if part.child.returncode is None:
                return
            part.child.stop()
            part.child = None
        if not part.is_down:
            part.child = Child(part.command)

    def _end(self) -> None:
        self._is_over.set()
        self._keeper.join()
