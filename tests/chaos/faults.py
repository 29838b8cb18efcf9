"""What can happen to a service, each with its way back: `FAULTS` by name.

A fault is injected, lasts a while and is over when the function returns. What it says is how long
the service then takes to answer for a clip sent after that, or None where there is nothing to wait
for.
"""

import contextlib
import random
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from crowd import Crowd
from faulty_site import MAX_QUEUED, Site

from service.embedded.ports import LOOPBACK

STAGES: Final = ("decode", "face", "align", "action_units", "recognize")
Wait = Callable[..., None]


@dataclass
class Chaos:
    """A site, those who use it, and chance."""

    site: Site
    crowd: Crowd
    chance: random.Random
    eventually: Wait
    killed: dict[str, float] = field(default_factory=dict)
    """Jobs whose worker was killed, and when (`time.monotonic`)."""

    def pause(self, least_s: float, most_s: float) -> None:
        """Let some time pass."""
        self.crowd.stopping.wait(self.chance.uniform(least_s, most_s))

    def in_time(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Whether it comes to hold in time; not so is no failure."""
        try:
            self.eventually(condition, timeout_s=limit_s, pause_s=0.005)
        except AssertionError:
            return False
        return True


Fault = Callable[[Chaos], bool]
"""Whether it could be done here."""


def redis_killed(chaos: Chaos) -> bool:
    """SIGKILL; what it has acknowledged is in its append-only file."""
    chaos.site.take_down("redis")
    chaos.pause(0.2, 2.0)
    chaos.site.bring_up("redis")
    return True


def redis_restarted(chaos: Chaos) -> bool:
    """SIGTERM, as for an update."""
    chaos.site.take_down("redis", signal.SIGTERM)
    chaos.eventually(lambda: chaos.site.is_away("redis"))
    chaos.site.bring_up("redis")
    return True


def redis_file_torn(chaos: Chaos) -> bool:
    """Killed in mid-write: half a command stands at the end of the append-only file."""
    chaos.site.take_down("redis")
    chaos.eventually(lambda: chaos.site.is_away("redis"))
    folder = chaos.site.seen(chaos.site.data_dir / "redis")
    (newest,) = sorted(folder.rglob("*.aof"), key=lambda path: path.stat().st_mtime)[-1:]
    with newest.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nmad")
    chaos.site.bring_up("redis")
    return True


def redis_disk_full(chaos: Chaos) -> bool:
    """Redis cannot save, and takes no writes."""
    return _full(chaos, "redis")


def storage_full(chaos: Chaos) -> bool:
    """No room for clips and results."""
    return _full(chaos, "blobs")


def gateway_cut_off(chaos: Chaos) -> bool:
    """Connections between gateway and Redis break."""
    chaos.site.gateway_to_redis.cut()
    chaos.pause(0.2, 3.0)
    chaos.site.gateway_to_redis.open()
    return True


def gateway_partitioned(chaos: Chaos) -> bool:
    """Nothing passes between gateway and Redis, and nobody is told."""
    chaos.site.gateway_to_redis.hold()
    chaos.pause(1.0, 5.0)
    chaos.site.gateway_to_redis.open()
    return True


def workers_cut_off(chaos: Chaos) -> bool:
    """Connections between workers and Redis break."""
    chaos.site.workers_to_redis.cut()
    chaos.pause(0.2, 3.0)
    chaos.site.workers_to_redis.open()
    return True


def workers_partitioned(chaos: Chaos) -> bool:
    """Nothing passes between workers and Redis, for longer than they may be silent."""
    chaos.site.workers_to_redis.hold()
    chaos.pause(1.0, 16.0)
    chaos.site.workers_to_redis.open()
    return True


def redis_slow(chaos: Chaos) -> bool:
    """Every word to and from Redis takes its time."""
    for proxy in (chaos.site.gateway_to_redis, chaos.site.workers_to_redis):
        proxy.slow(0.03)
    chaos.pause(1.0, 4.0)
    for proxy in (chaos.site.gateway_to_redis, chaos.site.workers_to_redis):
        proxy.open()
    return True


def triton_killed(chaos: Chaos) -> bool:
    """The model server dies, and comes back as soon as its models are loaded."""
    if "triton" not in chaos.site.parts:
        return False
    chaos.site.strike("triton", signal.SIGKILL)
    chaos.eventually(lambda: not chaos.site.is_triton_up())
    chaos.eventually(chaos.site.is_triton_up, timeout_s=60.0)
    return True


def triton_slow(chaos: Chaos) -> bool:
    """Every answer of the model server comes late."""
    chaos.site.to_triton.slow(0.2)
    chaos.pause(1.0, 4.0)
    chaos.site.to_triton.open()
    return "triton" in chaos.site.parts


def triton_silent(chaos: Chaos) -> bool:
    """The model server takes requests and answers none."""
    chaos.site.to_triton.hold()
    chaos.pause(1.0, 6.0)
    chaos.site.to_triton.open()
    return "triton" in chaos.site.parts


def triton_refusing(chaos: Chaos) -> bool:
    """The model server takes no connection."""
    chaos.site.to_triton.cut()
    chaos.pause(1.0, 6.0)
    chaos.site.to_triton.open()
    return "triton" in chaos.site.parts


def triton_of_another_version(chaos: Chaos) -> bool:
    """The model server comes back with a recognizer whose labels stand in another order."""
    if "triton" not in chaos.site.parts:
        return False
    config = chaos.site.wiring.model_repo / "recognize" / "config.pbtxt"
    right = config.read_text(encoding="utf-8")
    config.write_text(re.sub("happiness,sadness", "sadness,happiness", right), encoding="utf-8")
    triton_killed(chaos)
    chaos.pause(0.5, 2.0)
    config.write_text(right, encoding="utf-8")
    return triton_killed(chaos)


def worker_killed(chaos: Chaos) -> bool:
    """SIGKILL for a worker and all it has started, in a stage drawn by chance."""
    found: list[tuple[str, str]] = []
    stage = chaos.chance.choice(STAGES)

    def is_there() -> bool:
        found.extend(filter(None, [chaos.site.worker_at(stage)]))
        return bool(found)

    if not chaos.in_time(is_there, 5.0):
        return False
    job_id, name = found[0]
    if chaos.site.strike(name, signal.SIGKILL) is None:
        return False
    chaos.killed[job_id] = time.monotonic()
    return True


def worker_stalled(chaos: Chaos) -> bool:
    """A worker stands still for longer than it may be silent, then goes on as if nothing was."""
    name = chaos.chance.choice(chaos.site.workers)
    pid = chaos.site.strike(name, signal.SIGSTOP)
    chaos.pause(1.0, 16.0)
    if pid is not None:
        chaos.site.strike(name, signal.SIGCONT)
    return pid is not None


def gateway_killed(chaos: Chaos) -> bool:
    """SIGKILL while clips arrive, one of them half there."""
    with _half_an_upload(chaos):
        chaos.site.strike("gateway", signal.SIGKILL)
    return True


def queue_filled(chaos: Chaos) -> bool:
    """All workers stand still while more callers come than the queue takes."""
    refusals = httpx.codes.TOO_MANY_REQUESTS
    before = chaos.crowd.answers.get(refusals, 0)
    for name in chaos.site.workers:
        chaos.site.strike(name, signal.SIGSTOP)
    burst = [threading.Thread(target=chaos.crowd.send_one) for _ in range(2 * MAX_QUEUED)]
    for caller in burst:
        caller.start()
    is_full = chaos.in_time(lambda: chaos.crowd.answers.get(refusals, 0) > before, 6.0)
    for name in chaos.site.workers:
        chaos.site.strike(name, signal.SIGCONT)
    for caller in burst:
        caller.join()
    return is_full


def clock_jumped(chaos: Chaos) -> bool:
    """An hour on or back: everywhere, or in one group of processes."""
    if chaos.site.clocks is None:
        return False
    groups = chaos.chance.choice([["gateway", "workers", "redis"], ["gateway"], ["workers"]])
    ahead_s = chaos.chance.choice([-3600, 3600])
    for group in groups:
        chaos.site.clocks.set(group, ahead_s)
    chaos.pause(3.0, 8.0)
    for group in groups:
        chaos.site.clocks.set(group, 0)
    chaos.pause(1.0, 1.5)
    return True


FAULTS: Final[Mapping[str, Fault]] = {
    fault.__name__: fault
    for fault in (
        redis_killed,
        redis_restarted,
        redis_file_torn,
        redis_disk_full,
        redis_slow,
        gateway_cut_off,
        gateway_partitioned,
        gateway_killed,
        workers_cut_off,
        workers_partitioned,
        worker_killed,
        worker_stalled,
        triton_killed,
        triton_slow,
        triton_silent,
        triton_refusing,
        triton_of_another_version,
        storage_full,
        queue_filled,
        clock_jumped,
    )
}


def _full(chaos: Chaos, folder: str) -> bool:
    if chaos.site.disks is None:
        return False
    filler = chaos.site.seen(chaos.site.data_dir / folder) / "filler"
    _fill(filler)
    chaos.pause(0.5, 3.0)
    filler.unlink()
    return True


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@contextlib.contextmanager
def _half_an_upload(chaos: Chaos) -> Iterator[None]:
    """A caller of whose clip the gateway has a part by now."""
    head = (
        "POST /v1/recognize HTTP/1.1",
        f"Host: {LOOPBACK}",
        "Content-Type: multipart/form-data; boundary=frame",
        "Content-Length: 2000000",
    )
    part = b'--frame\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    with contextlib.suppress(OSError), _connected(chaos.site) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + part + chaos.crowd.clip)
        connection.sendall(bytes(1_200_000))
        chaos.in_time(lambda: any("#" in name for name in chaos.site.files("clips")), 2.0)
        yield
        return
    yield


def _connected(site: Site) -> socket.socket:
    return socket.create_connection((LOOPBACK, site.wiring.gateway_port), timeout=5.0)
