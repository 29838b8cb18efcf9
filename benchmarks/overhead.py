"""What the service costs: clips per second over HTTP against the same pipeline called in-process.

Both are measured in one run on the same cores and in turns (in-process, HTTP, in-process, ...), so
that a machine that gets slower or faster meanwhile favours neither. In-process means one call after
the other with the model repository's own number of threads; over HTTP several clips are in flight
and every core has a worker. The same clip is analysed again and again: nothing in the chain
remembers results.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from handing_on import hand_on
from rich.console import Console
from rich.table import Table
from tritonclient.grpc import InferenceServerClient

from service.embedded.backend import default_model_repo
from service.embedded.processes import StackError
from service.embedded.stack import EmbeddedStack, StackConfig
from worker.backend import Deadline, Tensor
from worker.contract import AnalysisReport, JobState
from worker.demo.clip import write_demo_clip
from worker.domain import FloatArray
from worker.models.registry import recognizer
from worker.pipeline import Pipeline
from worker.specs import AU, DEPTH, FACE, MADVNET
from worker.stopwatch import Stopwatch
from worker.task import Task
from worker.triton.inprocess import InProcessBackend
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

NETWORKS: Final = (FACE.name, AU.name, DEPTH.name, MADVNET.name)
MODEL_STAGES: Final = ("face", "au", "recognize")
"""Stages of the pipeline that wait for models."""
POLL_S: Final = 0.25
TIMEOUT_S: Final = 120.0
WARM_UP: Final = 2
TURNS: Final = 2

Total = defaultdict[str, float]
"""Milliseconds by name, summed over clips."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    clip: Path
    jobs: int
    in_flight: int
    workers: int


@dataclass(slots=True)
class Measured:
    """Everything that was timed on one side: wall clock, the pipeline's stages, the networks."""

    clips: int = 0
    wall_s: float = 0.0
    stages: Total = field(default_factory=lambda: defaultdict(float))
    networks: Total = field(default_factory=lambda: defaultdict(float))

    @property
    def clips_per_s(self) -> float:
        """Throughput."""
        return self.clips / self.wall_s

    @contextmanager
    def timed(self, clips: int) -> Iterator[None]:
        """Count the block as that many clips."""
        start_s = time.perf_counter()
        yield
        self.wall_s += time.perf_counter() - start_s
        self.clips += clips

    def breakdown(self, workers: int) -> dict[str, float]:
        """Milliseconds of a worker's time per clip; the parts add up to the last entry.

        Triton runs depth and AU side by side: that overlap is taken off the transport.
        """
        stages, networks = self.stages, self.networks
        whole = 1000 * self.wall_s * workers
        waiting = sum(stages[name] for name in MODEL_STAGES)
        own = stages["decode"] + stages["align"]
        pipeline = stages["total"] - stages["fetch"]
        parts = {
            "decode": stages["decode"],
            "align": stages["align"],
            **{f"network {name}": networks[name] for name in NETWORKS},
            "transport to networks, less overlap": waiting - sum(networks.values()),
            "other steps of the pipeline": pipeline - own - waiting,
            "transport of clip and result": whole - pipeline,
            "all": whole,
        }
        return {name: spent_ms / self.clips for name, spent_ms in parts.items()}


class TimedBackend(InProcessBackend):
    """The in-process backend, which also adds up the time of each network."""

    def __init__(self, repository: Path, spent: Total) -> None:
        super().__init__(repository)
        self._spent = spent

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model; an ensemble comes back here for each of its steps."""
        start_s = time.perf_counter()
        found = super().infer(model, inputs, outputs, deadline)
        if model in NETWORKS:
            self._spent[model] += 1000 * (time.perf_counter() - start_s)
        return found


def run_in_process(plan: Plan, measured: Measured) -> None:
    """Analyse the clip again and again in this process, as the worker does."""
    spent: Total = defaultdict(float)
    with TimedBackend(default_model_repo(), spent) as backend:
        pipeline = Pipeline(backend, recognizer("madvnet"))
        for _ in range(WARM_UP):
            _analyse(pipeline, plan.clip)
        spent.clear()
        with measured.timed(plan.jobs):
            for _ in range(plan.jobs):
                _add(measured.stages, _analyse(pipeline, plan.clip).timings_ms)
    _add(measured.networks, spent)


def _add(total: Total, more: Mapping[str, float]) -> None:
    for name, spent_ms in more.items():
        total[name] += spent_ms


def _analyse(pipeline: Pipeline, path: Path) -> AnalysisReport:
    stopwatch = Stopwatch()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    task = Task(sha256, Deadline.after(TIMEOUT_S), stopwatch)
    with open_footage(path, DecodeLimits()) as footage:
        report = pipeline.analyse(footage, task)
    report.model_dump_json()
    return report


def run_over_http(plan: Plan, measured: Measured) -> None:
    """Send the clip again and again to a stack started for it, several in flight."""
    with (
        tempfile.TemporaryDirectory() as data_dir,
        EmbeddedStack(StackConfig(Path(data_dir), workers=plan.workers)) as stack,
        httpx.Client(base_url=stack.gateway_url, timeout=TIMEOUT_S) as client,
        ThreadPoolExecutor(plan.in_flight) as pool,
    ):
        content = plan.clip.read_bytes()

        def recognise(_: int) -> Mapping[str, float]:
            return _recognise(client, plan.clip.name, content)

        list(pool.map(recognise, range(WARM_UP * plan.workers)))
        before = _network_time(stack.wiring.triton_port)
        with measured.timed(plan.jobs):
            for spent in pool.map(recognise, range(plan.jobs)):
                _add(measured.stages, spent)
        after = _network_time(stack.wiring.triton_port)
        _add(measured.networks, {name: after[name] - before[name] for name in after})


def _recognise(client: httpx.Client, name: str, content: bytes) -> Mapping[str, float]:
    """Upload, wait, download; the worker's timings."""
    job = client.post("/v1/recognize", files={"file": (name, content)}).raise_for_status().json()
    deadline = Deadline.after(TIMEOUT_S)
    while job["status"] in {JobState.QUEUED, JobState.PROCESSING}:
        time.sleep(min(POLL_S, deadline.remaining_s()))
        job = client.get(job["links"]["self"]).raise_for_status().json()
    if job["status"] != JobState.SUCCEEDED:
        raise RuntimeError(f"the job ended as {job['status']}: {job['error']}")
    result = client.get(job["links"]["result"]).raise_for_status()
    return AnalysisReport.model_validate_json(result.content).timings_ms


def _network_time(triton_port: int | None) -> dict[str, float]:
    """Milliseconds Triton has spent in each network so far; nothing where there is no Triton."""
    if triton_port is None:
        return {}
    with InferenceServerClient(f"127.0.0.1:{triton_port}") as server:
        statistics = server.get_inference_statistics(as_json=True)["model_stats"]
    spent = {entry["name"]: entry["inference_stats"] for entry in statistics}
    phases = ("compute_input", "compute_infer", "compute_output")
    return {
        name: sum(int(spent[name][phase].get("ns", 0)) for phase in phases) / 1e6
        for name in NETWORKS
    }


def measure(plan: Plan, say: Say) -> tuple[Measured, Measured]:
    """Both sides in turns: in-process and over HTTP."""
    in_process, over_http = Measured(), Measured()
    for turn in range(1, TURNS + 1):
        say(f"turn {turn} of {TURNS}: in-process")
        run_in_process(plan, in_process)
        say(f"turn {turn} of {TURNS}: over HTTP")
        run_over_http(plan, over_http)
    return in_process, over_http


def summary(plan: Plan, in_process: Measured, over_http: Measured) -> dict[str, object]:
    """The result as JSON."""
    return {
        "benchmark": "overhead",
        "clip": plan.clip.name,
        "cores": os.cpu_count(),
        "in_flight": plan.in_flight,
        "workers": plan.workers,
        "clips_per_side": in_process.clips,
        "clips_per_s": {"in_process": in_process.clips_per_s, "over_http": over_http.clips_per_s},
        "ratio": over_http.clips_per_s / in_process.clips_per_s,
        "ms_per_clip": {
            "in_process": in_process.breakdown(1),
            "over_http": over_http.breakdown(plan.workers),
        },
    }


def table(plan: Plan, in_process: Measured, over_http: Measured) -> Table:
    """The result for people."""
    drawn = Table(
        title=f"{in_process.clips} clips a side, {plan.in_flight} in flight, "
        f"workers: {plan.workers}, cores: {os.cpu_count()}",
        caption=f"HTTP / in-process: {over_http.clips_per_s / in_process.clips_per_s:.2f}",
        caption_style="bold",
    )
    drawn.add_column()
    drawn.add_column("in-process", justify="right")
    drawn.add_column("over HTTP", justify="right")
    drawn.add_row(
        "clips per second", f"{in_process.clips_per_s:.2f}", f"{over_http.clips_per_s:.2f}"
    )
    drawn.add_section()
    ours, theirs = in_process.breakdown(1), over_http.breakdown(plan.workers)
    for name in ours:
        drawn.add_row(f"{name}, ms", f"{ours[name]:.1f}", f"{theirs[name]:.1f}")
    return drawn


def main(
    clip: Annotated[Path | None, typer.Argument(help="A video; the demo clip if none.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Clips per side and turn.")] = 24,
    in_flight: Annotated[int, typer.Option(min=1, help="Clips sent at a time.")] = 8,
    workers: Annotated[int, typer.Option(min=0, help="Workers; one per core if 0.")] = 0,
    json_to: Annotated[str | None, typer.Option("--json", help="JSON to a file, or -.")] = None,
) -> None:
    """Clips per second over HTTP divided by clips per second in-process, and where time goes."""
    people = Console(stderr=json_to == "-")
    with tempfile.TemporaryDirectory() as folder:
        if clip is None:
            clip = Path(folder) / "demo.mp4"
            write_demo_clip(clip)
        plan = Plan(clip, jobs, in_flight, workers or os.cpu_count() or 1)
        try:
            sides = measure(plan, lambda text: print(text, file=sys.stderr))
        except StackError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from error
    people.print(table(plan, *sides))
    hand_on(summary(plan, *sides), json_to)


if __name__ == "__main__":
    typer.run(main)
