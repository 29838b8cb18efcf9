"""How many workers a number of clips an hour needs, and how long clips then wait.

The queue is one line before M equal workers, each of which holds one clip at a time: M/G/c. The
chance to wait is Erlang's C formula; the mean wait is that of M/M/c times (1 + cv^2) / 2, where cv
is the coefficient of variation of the time a clip takes (Lee and Longton's approximation; exact for
M = 1, Pollaczek-Khinchine). Arrivals are taken to be Poisson; for a folder submitted at once only
the throughput matters.
"""

import json
import resource
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from service.embedded.backend import default_model_repo
from worker.contract import RECOGNIZERS
from worker.demo.clip import write_demo_clip
from worker.offline import analyse_file
from worker.video.limits import DecodeLimits

MEASURED_CLIPS: Final = 5
HOUR_S: Final = 3600.0
MOST_WORKERS: Final = 100_000
PER_HOUR: Final = (100, 1000, 5000, 20_000)


@dataclass(frozen=True, slots=True)
class Need:
    """What one rate of clips needs. Times in seconds, `busy` from 0 to 1."""

    per_hour: float
    workers: int
    busy: float
    waits: float
    """Chance that a clip has to wait at all."""
    mean_wait_s: float


def erlang_c(workers: int, offered: float) -> float:
    """Chance to wait before `workers` servers; `offered` is in Erlangs, less than their number.

    By the recursion of Erlang's B formula, which does not overflow.
    """
    blocked = 1.0
    for count in range(1, workers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - (offered / workers) * (1 - blocked))


def need(per_hour: float, seconds_per_clip: float, cv: float, workers: int) -> Need:
    """What happens with a number of workers that suffices."""
    offered = per_hour / HOUR_S * seconds_per_clip
    waits = erlang_c(workers, offered)
    wait_s = waits * seconds_per_clip / (workers - offered) * (1 + cv**2) / 2
    return Need(per_hour, workers, offered / workers, waits, wait_s)


def least(per_hour: float, seconds_per_clip: float, cv: float, wait_s: float, busy: float) -> Need:
    """The fewest workers that keep the mean wait and their own business within bounds.

    Raises:
        ValueError: No sensible number does.
    """
    offered = per_hour / HOUR_S * seconds_per_clip
    for workers in range(int(offered) + 1, MOST_WORKERS):
        found = need(per_hour, seconds_per_clip, cv, workers)
        if found.mean_wait_s <= wait_s and found.busy <= busy:
            return found
    raise ValueError(f"more than {MOST_WORKERS} workers")


def cpu_seconds_per_clip() -> float:
    """CPU time of the demo clip: all threads and children, opening the models included."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "demo.mp4")
        write_demo_clip(clip)
        before = _cpu_seconds()
        for _ in range(MEASURED_CLIPS):
            analyse_file(clip, default_model_repo(), DecodeLimits(), RECOGNIZERS[0])
        return (_cpu_seconds() - before) / MEASURED_CLIPS


def _cpu_seconds() -> float:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, both))


def main(
    seconds_per_clip: Annotated[
        float | None,
        typer.Option(min=0.001, help="One worker's time for one clip; measured if not told."),
    ] = None,
    per_hour: Annotated[list[float] | None, typer.Option(min=0.001, help="Clips an hour.")] = None,
    cv: Annotated[
        float, typer.Option(min=0, help="Standard deviation of that time over its mean.")
    ] = 0.5,
    wait_s: Annotated[float, typer.Option(min=0.001, help="Longest mean wait accepted.")] = 5.0,
    busy: Annotated[float, typer.Option(min=0.01, max=0.99, help="Most of the time busy.")] = 0.8,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print the workers that rates of clips need."""
    if seconds_per_clip is None:
        seconds_per_clip = cpu_seconds_per_clip()
        print(f"{seconds_per_clip:.2f} s of CPU time for the demo clip", file=sys.stderr)
    needs = [least(n, seconds_per_clip, cv, wait_s, busy) for n in per_hour or PER_HOUR]
    if as_json:
        typer.echo(json.dumps([asdict(found) for found in needs]))
        return
    table = Table("clips an hour", "workers", "busy", "clips that wait", "mean wait")
    for found in needs:
        table.add_row(
            f"{found.per_hour:,.0f}",
            str(found.workers),
            f"{found.busy:.0%}",
            f"{found.waits:.0%}",
            f"{found.mean_wait_s:.2f} s",
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
