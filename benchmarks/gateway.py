"""What the gateway costs: uploads and polls per second against a bare Starlette app.

Both run behind the same uvicorn, each in a process of its own, and are measured in turns, so that
a machine that gets slower or faster meanwhile favours neither; the figures are medians over the
turns. Ours asks for API keys and has a real Redis and a real folder of blobs; nobody works on the
jobs. The bare app only spools the upload to disk, or answers a constant of the same size. Also
measured: uploads against the same app left as it is, which keeps files of less than 1 MB in memory;
polling beside many slow uploads; the gateway's memory while it refuses a huge one.
"""

import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final

import http_load
import typer
from handing_on import hand_on
from http_load import Load, Request, Target
from rich.console import Console
from rich.table import Table
from sides import Side, bare, gateway
from strain import refuse_huge, slow_uploads

from worker.demo.clip import write_demo_clip

UPLOADS: Final = "uploads"
KINDS: Final = (UPLOADS, "polls, queued", "polls, finished")
WANTED: Final = {UPLOADS: 0.5, "polls, queued": 0.6, "polls, finished": 0.6}
IN_MEMORY: Final = "bare, in memory"
UPLOAD_PATH: Final = "/v1/recognize"
MARK_BYTES: Final = 8
QUEUED_BEFORE: Final = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    clip: bytes
    turns: int
    seconds: float
    connections: int
    slow: int


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of one kind on one side."""

    per_s: float
    cpu_us: float
    """Processor time of the server per request, in microseconds."""
    sender_busy: float
    """Share of one core the sender of the load was busy: near 1 it was the bottleneck."""


@dataclass(slots=True)
class Results:
    """All rounds by kind and side, and what the strain came to."""

    rounds: dict[tuple[str, str], list[Round]] = field(default_factory=lambda: defaultdict(list))
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)

    def median(self, kind: str, side: str, figure: str = "per_s") -> float:
        """Over the turns."""
        return float(statistics.median(asdict(one)[figure] for one in self.rounds[kind, side]))

    def ratio(self, kind: str, other: str = "bare") -> float:
        """Ours divided by bare."""
        return self.median(kind, "ours") / self.median(kind, other)


class Caller:
    """Makes the requests of one run; each upload is another clip, so that none is a repetition."""

    def __init__(self, clip: bytes, key: str) -> None:
        self.headers = (f"Authorization: Bearer {key}",)
        self._clip = clip[:-MARK_BYTES]
        self._numbers = itertools.count()

    def upload(self) -> Request:
        """A clip nobody has sent before."""
        mark = next(self._numbers).to_bytes(MARK_BYTES, "big")
        return http_load.post_file(UPLOAD_PATH, (self._clip, mark), self.headers)

    def poll(self, path: str) -> Callable[[], Request]:
        """Requests for one job."""
        request = http_load.get(path, self.headers)
        return lambda: request

    def cancel(self, path: str) -> Request:
        """The quickest way to a job that has ended."""
        return http_load.post_nothing(f"{path}/cancel", self.headers)


async def prepare(side: Side, caller: Caller) -> tuple[bytes, Mapping[str, str]]:
    """The answer to an upload, and the addresses of a queued and of a finished job."""
    upload = Target(side.port, caller.upload, 202)
    answers = [await http_load.ask(upload) for _ in range(QUEUED_BEFORE)]
    finished, queued = (json.loads(answers[at])["links"]["self"] for at in (0, -1))
    await http_load.ask(Target(side.port, lambda: caller.cancel(finished), 200))
    return answers[-1], {"polls, queued": queued, "polls, finished": finished}


async def compare(plan: Plan, ours: Side, folder: Path) -> Results:
    """All turns, then the strain."""
    caller, results = Caller(plan.clip, ours.key), Results()
    sample, paths = await prepare(ours, caller)
    with ExitStack() as stack:
        bare_on_disk = stack.enter_context(bare(folder / "disk", sample, "disk"))
        in_memory = stack.enter_context(bare(folder / "memory", sample, "memory"))
        sides = {"ours": ours, "bare": bare_on_disk}
        for turn, kind in itertools.product(range(plan.turns), KINDS):
            print(f"turn {turn + 1} of {plan.turns}: {kind}", file=sys.stderr)
            others = {IN_MEMORY: in_memory} if kind == UPLOADS else {}
            for name, side in (sides | others).items():
                target = (
                    Target(side.port, caller.upload, 202)
                    if kind == UPLOADS
                    else Target(side.port, caller.poll(paths[kind]), 200)
                )
                before_s = _cpu_s(side.pid)
                load = await http_load.run(target, plan.connections, plan.seconds)
                results.rounds[kind, name].append(_round(load, _cpu_s(side.pid) - before_s))
    target = Target(ours.port, caller.poll(paths["polls, queued"]), 200)
    await _latencies(plan, target, caller, results)
    for name, is_chunked in (("declared", False), ("chunked", True)):
        print(f"refusing 2 GB, {name}", file=sys.stderr)
        results.memory_mb[name] = await refuse_huge(ours, caller.headers, is_chunked=is_chunked)
    return results


async def _latencies(plan: Plan, target: Target, caller: Caller, results: Results) -> None:
    """Few polls at a time, with and without slow uploads beside them, in turns."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(plan.turns):
        alone = await http_load.run(target, 2, plan.seconds)
        found["alone"] += alone.latencies_s
        async with slow_uploads(target.port, caller.headers, plan.slow):
            beside = await http_load.run(target, 2, plan.seconds)
        found[f"beside {plan.slow} slow uploads"] += beside.latencies_s
    for name, latencies_s in found.items():
        parts = statistics.quantiles(latencies_s, n=100)
        results.latency_ms[name] = {"p50": 1000 * parts[49], "p99": 1000 * parts[98]}


def _round(load: Load, cpu_s: float) -> Round:
    return Round(load.per_s, 1e6 * cpu_s / len(load.latencies_s), load.busy_s / load.wall_s)


def _cpu_s(pid: int) -> float:
    """Processor time a process has spent."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def summary(plan: Plan, results: Results) -> dict[str, object]:
    """The result as JSON."""
    figures = ("per_s", "cpu_us", "sender_busy")
    return {
        "benchmark": "gateway",
        "clip_bytes": len(plan.clip),
        "connections": plan.connections,
        "cores": os.cpu_count(),
        "turns": plan.turns,
        "seconds": plan.seconds,
        "sides": {
            kind: {
                side: {figure: results.median(kind, side, figure) for figure in figures}
                for side in ("ours", "bare")
            }
            for kind in KINDS
        },
        "ratio": {kind: results.ratio(kind) for kind in KINDS},
        "ratio_to_uploads_kept_in_memory": results.ratio(UPLOADS, IN_MEMORY),
        "poll_latency_ms": results.latency_ms,
        "memory_growth_mb": results.memory_mb,
    }


def tables(plan: Plan, results: Results) -> list[Table]:
    """The result for people."""
    speed = Table(
        title=f"{len(plan.clip)} bytes a clip, {plan.connections} connections, "
        f"medians of {plan.turns} turns, cores: {os.cpu_count()}"
    )
    for name in ("per second", "ours", "bare", "ratio", "wanted", "CPU µs, ours", "bare"):
        speed.add_column(name, justify="left" if name == "per second" else "right")
    for kind in KINDS:
        rates = [f"{results.median(kind, side):.0f}" for side in ("ours", "bare")]
        costs = [f"{results.median(kind, side, 'cpu_us'):.0f}" for side in ("ours", "bare")]
        wanted = f">= {WANTED[kind]}"
        speed.add_row(kind, *rates, f"{results.ratio(kind):.2f}", wanted, *costs)
    kept = f"{results.median(UPLOADS, IN_MEMORY):.0f}", f"{results.ratio(UPLOADS, IN_MEMORY):.2f}"
    speed.add_row(f"{UPLOADS} ({IN_MEMORY})", "", *kept, "")
    latency = Table(title="GET /v1/jobs/{id}, two at a time, ms")
    for name in ("", "p50", "p99"):
        latency.add_column(name, justify="right" if name else "left")
    for name, parts in results.latency_ms.items():
        latency.add_row(name, f"{parts['p50']:.2f}", f"{parts['p99']:.2f}")
    memory = Table(title="memory growth while 2 GB are refused, MB (wanted: < 30)")
    memory.add_column("body")
    memory.add_column("MB", justify="right")
    for name, grown_mb in results.memory_mb.items():
        memory.add_row(name, f"{grown_mb:.1f}")
    return [speed, latency, memory]


def _clip(size: int, folder: Path) -> bytes:
    """The demo clip, repeated or cut where a size is asked for."""
    write_demo_clip(folder / "demo.mp4")
    clip = (folder / "demo.mp4").read_bytes()
    return (clip * (size // len(clip) + 1))[:size] if size else clip


def main(
    clip_bytes: Annotated[int, typer.Option(min=0, help="Of an upload; the demo clip's if 0.")] = 0,
    turns: Annotated[int, typer.Option(min=1, help="Turns of each side.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a turn.")] = 2.0,
    connections: Annotated[int, typer.Option(min=1, help="Requests in flight.")] = 16,
    slow: Annotated[int, typer.Option("--slow-uploads", min=0, help="At a time.")] = 64,
    json_to: Annotated[str | None, typer.Option("--json", help="JSON to a file, or -.")] = None,
) -> None:
    """Uploads and polls per second of the gateway divided by those of a bare Starlette app."""
    people = Console(stderr=json_to == "-")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = Plan(_clip(clip_bytes, folder), turns, seconds, connections, slow)
        with gateway(folder / "ours") as ours:
            results = asyncio.run(compare(plan, ours, folder))
    people.print(*tables(plan, results), sep="\n")
    hand_on(summary(plan, results), json_to)


if __name__ == "__main__":
    typer.run(main)
