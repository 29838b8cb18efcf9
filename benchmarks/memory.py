"""Whether a long clip costs more memory, or more time per frame, than a short one.

A face that smiles and moves about is filmed once and shown again and again: 1080p, 25 frames per
second. Two processes analyse it for 20 seconds and for 10 minutes, as a worker does, with the
models in the process. Printed are ratios, long against short: of the highest memory, and of the
time per frame at the end of the long clip against that at its beginning, as the line through all
steps of the trace has it (Theil-Sen): a machine that is slow for a while does not decide. Time is
that of the cores, decoder included, so that other programs do not count; the clock's is told too.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

import av
import numpy as np
import typer
from handing_on import hand_on
from rich.console import Console
from rich.table import Table
from scipy.stats import theilslopes

from worker.backend import Deadline
from worker.contract import Progress
from worker.demo.clip import demo_frames
from worker.domain import Image
from worker.models.registry import recognizer
from worker.pipeline import Pipeline
from worker.settings import ModelSettings
from worker.stopwatch import Stopwatch
from worker.task import Task
from worker.triton.inprocess import InProcessBackend
from worker.video.encode import Encoding, write_clip
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

FPS: Final = 25
WIDTH, HEIGHT = 1920, 1080
SHORT_S: Final = 20.0
MOST_MEMORY: Final = 1.3
MOST_TIME: Final = 1.1
_WAY_PX: Final = 60
_ENCODING: Final = Encoding(options={"crf": "20", "preset": "veryfast", "bf": "0"})
_HOURS_S: Final = 4 * 3600.0


Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lap:
    """When a step of the trace was complete: the frames before this one had been measured."""

    frame: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """What the analysis of a clip took."""

    frames: int
    events: int
    worker_mib: float
    """Highest resident memory of the process, models included,"""
    decoder_mib: float
    """and of its decoder."""
    wall_s: float
    laps: tuple[Lap, ...]

    def cpu_ms(self) -> Ends:
        """Time of the cores per frame, at the beginning and at the end."""
        return self._ends([lap.cpu_s for lap in self.laps])

    def wall_ms(self) -> Ends:
        """The same by the clock."""
        return self._ends([lap.wall_s for lap in self.laps])

    def _ends(self, spent_s: Sequence[float]) -> Ends:
        frames = np.array([lap.frame for lap in self.laps])
        steps = np.flatnonzero(np.diff(frames)) + 1
        ms = 1000 * np.diff(spent_s)[steps - 1] / np.diff(frames)[steps - 1]
        middles = (frames[steps] + frames[steps - 1]) / 2
        slope, start, *_ = theilslopes(ms, middles)
        return float(start), float(start + slope * self.frames)


class Meter:
    """Notes laps, and the memory of the decoder while there is one."""

    def __init__(self) -> None:
        self.laps: list[Lap] = []
        self.decoder_mib = 0.0
        self._is_complete = True
        self._start_s = time.perf_counter()

    def hear(self, progress: Progress) -> None:
        """What the pipeline reports: frames are aligned by the window, traced by larger steps."""
        decoders = _children()
        self.decoder_mib = max([self.decoder_mib, *map(_peak_mib, decoders)])
        self._is_complete |= progress.stage == "action_units"
        if progress.stage != "align" or not self._is_complete:
            return
        self._is_complete = False
        cpu_s = time.process_time() + sum(map(_cpu_s, decoders))
        wall_s = time.perf_counter() - self._start_s
        self.laps.append(Lap(progress.frames_done or 0, wall_s, cpu_s))
        print(f"frame {progress.frames_done}: {cpu_s:.0f} s of the cores", file=sys.stderr)


def run(clip: Path, warm_up: Path) -> Course:
    """Analyse a clip in this process, after another one that loads what is loaded once."""
    limits = DecodeLimits(
        max_bytes=1 << 33, max_frames=1 << 20, max_duration_s=_HOURS_S, timeout_s=_HOURS_S
    )
    meter = Meter()
    with InProcessBackend(ModelSettings().model_repo) as backend:
        pipeline = Pipeline(backend, recognizer("madvnet"))
        with open_footage(warm_up, limits) as footage:
            pipeline.analyse(footage, Task("0" * 64, Deadline.after(_HOURS_S), Stopwatch()))
        task = Task("0" * 64, Deadline.after(_HOURS_S), Stopwatch(), None, meter.hear)
        with open_footage(clip, limits) as footage:
            report = pipeline.analyse(footage, task)
    report.model_dump_json(by_alias=True)
    own_mib = _peak_mib(os.getpid())
    wall_s = report.timings_ms["total"] / 1000
    frames, events = report.clip.frames, len(report.events)
    return Course(frames, events, own_mib, meter.decoder_mib, wall_s, tuple(meter.laps))


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(pid) for pid in listed.split()]


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lengthened(loop: Path, seconds: float) -> Path:
    """A clip of so many seconds beside the loop it is made of, whose packets are repeated."""
    clip = loop.with_name(f"{seconds:.0f}s.mp4")
    with av.open(str(loop)) as source, av.open(str(clip), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None]
        ticks = round(1 / (FPS * (source.streams.video[0].time_base or 1)))
        for number in range(round(seconds * FPS)):
            turn, at = divmod(number, len(packets))
            packet = av.Packet(bytes(packets[at]))
            packet.is_keyframe = packets[at].is_keyframe
            packet.stream = stream
            packet.time_base = packets[at].time_base
            packet.pts = packet.dts = (turn * len(packets) + at) * ticks
            target.mux(packet)
    return clip


def _loop() -> Iterator[Image]:
    """The demo in the middle of a wide frame, going from side to side."""
    smiles = list(demo_frames())
    for number, small in enumerate(smiles):
        image = small.repeat(2, axis=0).repeat(2, axis=1)
        frame = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
        aside = round(_WAY_PX * np.sin(2 * np.pi * number / len(smiles)))
        top, left = (HEIGHT - len(image)) // 2, (WIDTH - len(image)) // 2 + aside
        frame[top : top + len(image), left : left + len(image)] = image
        yield frame


def measured(clip: Path, warm_up: Path) -> Course:
    """The course of a clip in a process of its own."""
    command = [sys.executable, __file__, "--one", str(clip), "--warm-up", str(warm_up)]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    laps = tuple(Lap(**lap) for lap in answer.pop("laps"))
    return Course(**answer, laps=laps)


def summary(short: Course, long: Course) -> dict[str, Any]:
    """The result as JSON."""
    cpu, wall = long.cpu_ms(), long.wall_ms()
    return {
        "benchmark": "memory",
        "cores": os.cpu_count(),
        "frames": {"short": short.frames, "long": long.frames},
        "events": {"short": short.events, "long": long.events},
        "seconds": {"short": short.wall_s, "long": long.wall_s},
        "worker_mib": {"short": short.worker_mib, "long": long.worker_mib},
        "decoder_mib": {"short": short.decoder_mib, "long": long.decoder_mib},
        "memory_ratio": long.worker_mib / short.worker_mib,
        "cpu_ms_per_frame": {"begin": cpu[0], "end": cpu[1]},
        "wall_ms_per_frame": {"begin": wall[0], "end": wall[1]},
        "cpu_time_ratio": cpu[1] / cpu[0],
        "wall_time_ratio": wall[1] / wall[0],
    }


def table(found: dict[str, Any], short: Course, long: Course) -> Table:
    """The result for people."""
    drawn = Table(
        title=f"{WIDTH} x {HEIGHT}, {short.frames} frames against {long.frames}",
        caption=f"memory long / short: {found['memory_ratio']:.3f}; "
        f"time per frame end / begin: {found['cpu_time_ratio']:.3f}",
        caption_style="bold",
    )
    for name in ("", "short", "long"):
        drawn.add_column(name, justify="right" if name else "left")
    drawn.add_row("worker, MiB at most", f"{short.worker_mib:.0f}", f"{long.worker_mib:.0f}")
    drawn.add_row("decoder, MiB at most", f"{short.decoder_mib:.0f}", f"{long.decoder_mib:.0f}")
    drawn.add_row("events named", str(short.events), str(long.events))
    drawn.add_row("seconds in all", f"{short.wall_s:.0f}", f"{long.wall_s:.0f}")
    drawn.add_section()
    for name, cpu_ms, wall_ms in zip(("begin", "end"), long.cpu_ms(), long.wall_ms(), strict=True):
        drawn.add_row(f"ms per frame, {name}: cores", "", f"{cpu_ms:.1f}")
        drawn.add_row(f"ms per frame, {name}: clock", "", f"{wall_ms:.1f}")
    return drawn


def main(
    minutes: Annotated[float, typer.Option(min=2, help="Length of the long clip.")] = 10,
    json_to: Annotated[str | None, typer.Option("--json", help="JSON to a file, or -.")] = None,
    one: Annotated[Path | None, typer.Option(hidden=True)] = None,
    warm_up: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Memory and time per frame of a long clip against a short one; exit code 1 if they grow."""
    if one is not None and warm_up is not None:
        print(json.dumps(asdict(run(one, warm_up))))
        return
    people = Console(stderr=json_to == "-")
    with tempfile.TemporaryDirectory() as folder:
        loop = Path(folder) / "loop.mp4"
        write_clip(loop, _loop(), Fraction(FPS), _ENCODING)
        short, long = (measured(lengthened(loop, s), loop) for s in (SHORT_S, 60 * minutes))
    found = summary(short, long)
    people.print(table(found, short, long))
    hand_on(found, json_to)
    if found["memory_ratio"] > MOST_MEMORY or found["cpu_time_ratio"] > MOST_TIME:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
