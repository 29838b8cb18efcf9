"""How Triton serves best on this machine: instances, a queue that waits, shared memory.

Starts the embedded Triton once for each way of serving and bears the same load on each: processes
that ask, as workers do, for the AU trace of 64 frames and for one recognition, again and again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from handing_on import hand_on
from rich.console import Console
from rich.table import Table
from triton_load import CLIP, WARM_UP, Load, Served, drive

from service.embedded.backend import default_model_repo
from service.embedded.processes import Child
from service.embedded.triton import (
    TritonUnavailable,
    find_triton,
    sweep_shared_memory,
    triton_command,
)
from service.embedded.wiring import Wiring
from worker.main import prove_patiently
from worker.models.au import WINDOW
from worker.settings import ModelSettings
from worker.triton.client import TritonBackend

PLACEMENT: Final = Path(__file__).parents[1] / "docker/triton/placement.py"
START_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of serving."""

    name: str
    options: tuple[str, ...] = ()
    """Of placement.py."""
    shares_memory: bool = False


WAYS: Final = (
    Way("one instance, as shipped"),
    Way("two instances", ("--instances", "2")),
    Way("queue waits 1 ms", ("--queue-delay-us", "1000")),
    Way("shared memory", shares_memory=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one load on one way of serving."""

    way: str
    in_flight: int
    served: Served
    cpu_ms: float
    """Processor time of the server for each clip: says the same whatever else the machine does."""

    def cells(self) -> tuple[str, ...]:
        """For people."""
        return (
            self.way,
            str(self.in_flight),
            f"{self.served.requests_per_s:.2f}",
            f"{self.served.median_ms:.0f}",
            f"{self.served.p95_ms:.0f}",
            f"{self.cpu_ms:.0f}",
        )


@contextmanager
def running(way: Way, folder: Path) -> Iterator[tuple[str, int]]:
    """A Triton that serves in a way; its address and process id."""
    repository = folder / "model_repo"
    shutil.copytree(default_model_repo(), repository)
    command = (sys.executable, str(PLACEMENT), str(repository), "--on", "cpu", *way.options)
    subprocess.run(command, check=True)
    (folder / "logs").mkdir()
    wiring = Wiring.plan(folder, repository, gateway_port=None, with_triton=True, settings={})
    url = f"127.0.0.1:{wiring.triton_port}"
    server = Child(triton_command(find_triton(), wiring))
    try:
        settings = ModelSettings(triton_url=url, startup_timeout_s=START_S)
        prove_patiently(lambda: TritonBackend(url), settings)
        yield url, server.pid
    finally:
        server.stop()
        sweep_shared_memory(folder)


def measure(way: Way, in_flight: Sequence[int], seconds: float) -> Iterator[Outcome]:
    """What comes of each number of processes."""
    with tempfile.TemporaryDirectory() as folder, running(way, Path(folder)) as (url, pid):
        for count in in_flight:
            before_s = cpu_s(pid)
            served = drive(url, Load(CLIP, WINDOW, count, seconds, way.shares_memory))
            # What warms the processes up is not counted among the clips, but costs as much.
            clips = served.requests + count * WARM_UP
            yield Outcome(way.name, count, served, 1000 * (cpu_s(pid) - before_s) / clips)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and all below it, so far."""
    parts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own = sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return own + sum(cpu_s(int(child)) for file in children for child in file.read_text().split())


def main(
    in_flight: Annotated[list[int] | None, typer.Option(min=1, help="Processes that ask.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each measurement.")] = 5.0,
    json_to: Annotated[str | None, typer.Option("--json", help="JSON to a file, or -.")] = None,
) -> None:
    """Clips per second, milliseconds and processor time per clip of each way of serving."""
    found: list[Outcome] = []
    for way in WAYS:
        print(way.name, file=sys.stderr)
        try:
            found += measure(way, in_flight or (1, 2, 4), seconds)
        except TritonUnavailable as unavailable:
            print(f"there is no Triton here: {unavailable}", file=sys.stderr)
            raise typer.Exit(1) from unavailable
    headings = ("way of serving", "in flight", "clips/s", "median ms", "p95 ms", "CPU ms a clip")
    drawn = Table(*headings, title=f"cores: {os.cpu_count()}")
    for outcome in found:
        drawn.add_row(*outcome.cells())
    Console(stderr=json_to == "-").print(drawn)
    about = {"benchmark": "serving", "cores": os.cpu_count()}
    hand_on({**about, "outcomes": list(map(asdict, found))}, json_to)


if __name__ == "__main__":
    typer.run(main)
