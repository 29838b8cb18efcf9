"""What a GPU gives: frames and clips per second, how busy it is, and how near to its own bound.

    python benchmarks/gpu.py --server fp32=127.0.0.1:9001 --server fp16=127.0.0.1:9002

Each server is a Triton of the image's target `gpu`, `tensorrt` or `fp16-candidate`, its gRPC port
published on loopback for as long as this takes (docs/deploy.md). Without an NVIDIA GPU, or where a
server says that a network runs on a CPU, nothing is measured: ends with 3.

The bound is the network's own: frames divided by the time Triton has spent executing it, without
queues, copies or requests. The ratio to it is the share of that time in all; what is missing is
spent on moving frames, and more requests in flight, larger batches or shared memory bring it back.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Annotated, Final

import typer
from handing_on import hand_on
from rich.console import Console
from rich.table import Table
from triton_load import CLIP, Load, Served, compute_s, drive
from tritonclient.grpc import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import ModelInstanceGroup
from tritonclient.utils import InferenceServerException

from worker.models.au import WINDOW
from worker.specs import AU, DEPTH, MADVNET

BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)
NETWORKS: Final = (AU.name, DEPTH.name, MADVNET.name)
EXIT_NO_GPU: Final = 3
_SAMPLE_MS: Final = 200
_PARTS: Final = 2


class NoGpu(Exception):
    """There is nothing to measure; the message says why."""


@dataclass(slots=True)
class Usage:
    """What `nvidia-smi` has said."""

    lines: list[str] = field(default_factory=list)

    @property
    def busy(self) -> float:
        """Share of the time in which a kernel ran, 0 to 1."""
        return fmean(part[0] for part in self._samples()) / 100

    @property
    def memory_mb(self) -> float:
        """Most memory in use."""
        return max(part[1] for part in self._samples())

    def _samples(self) -> list[tuple[float, float]]:
        """Per cent and MB."""
        parts = [line.split(",") for line in self.lines]
        return [(float(part[0]), float(part[1])) for part in parts if len(part) == _PARTS]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    precision: str
    model: str
    batch: int
    served: Served
    compute_s: float
    gpu_busy: float
    gpu_memory_mb: float

    @property
    def bound_rows_per_s(self) -> float:
        """Frames per second, were nothing to be done but computing."""
        return self.served.rows / self.compute_s

    @property
    def ratio(self) -> float:
        """Frames per second as a share of that."""
        return self.served.rows_per_s / self.bound_rows_per_s

    def document(self) -> dict[str, object]:
        """For programs."""
        return {
            **asdict(self),
            "frames_per_s": self.served.rows_per_s,
            "requests_per_s": self.served.requests_per_s,
            "bound_frames_per_s": self.bound_rows_per_s,
            "ratio": self.ratio,
        }


def find_smi() -> str:
    """The program that tells of NVIDIA's GPUs. Raises NoGpu."""
    path = shutil.which("nvidia-smi")
    if path is None:
        raise NoGpu("no NVIDIA GPU here: there is no nvidia-smi")
    listed = subprocess.run([path, "--list-gpus"], capture_output=True, text=True, check=False)
    if listed.returncode != 0 or not listed.stdout.strip():
        raise NoGpu(f"no NVIDIA GPU here: {(listed.stdout + listed.stderr).strip()}")
    return path


@contextmanager
def watched(smi: str, device: int) -> Iterator[Usage]:
    """How a GPU is used during the block; complete after it."""
    query = "--query-gpu=utilization.gpu,memory.used"
    command = [smi, query, "--format=csv,noheader,nounits", f"--loop-ms={_SAMPLE_MS}"]
    usage = Usage()
    with subprocess.Popen(
        [*command, f"--id={device}"], stdout=subprocess.PIPE, text=True
    ) as sampler:
        try:
            yield usage
        finally:
            sampler.terminate()
            usage.lines += sampler.communicate()[0].splitlines()


def refuse_cpus(url: str) -> None:
    """Raises NoGpu where a network of a server does not run on a GPU, or none can be asked."""
    gpu = ModelInstanceGroup.Kind.Value("KIND_GPU")
    try:
        with InferenceServerClient(url) as server:
            for name in NETWORKS:
                groups = server.get_model_config(name).config.instance_group
                if any(group.kind != gpu for group in groups):
                    raise NoGpu(f"{url} runs {name} on a CPU: use the image's target `gpu`")
    except InferenceServerException as error:
        raise NoGpu(f"{url}: {error.message()}") from error


def measure(server: tuple[str, str], load: Load, smi: str, device: int) -> Row:
    """Bear a load and see what becomes of it."""
    precision, url = server
    before = compute_s(url, NETWORKS)
    with watched(smi, device) as usage:
        served = drive(url, load)
    after = compute_s(url, NETWORKS)
    spent_s = sum(after[name] - before[name] for name in after)
    return Row(precision, load.model, load.rows, served, spent_s, usage.busy, usage.memory_mb)


def table(rows: Sequence[Row], in_flight: int) -> Table:
    """The result for people."""
    drawn = Table(title=f"{in_flight} requests in flight")
    for name in ("precision", "model", "frames a request", "frames/s", "requests/s", "p95 ms"):
        drawn.add_column(name, justify="right")
    for name in ("GPU busy", "GPU MB", "bound, frames/s", "ratio"):
        drawn.add_column(name, justify="right")
    for row in rows:
        drawn.add_row(
            row.precision,
            row.model,
            str(row.batch),
            f"{row.served.rows_per_s:.0f}",
            f"{row.served.requests_per_s:.1f}",
            f"{row.served.p95_ms:.1f}",
            f"{row.gpu_busy:.0%}",
            f"{row.gpu_memory_mb:.0f}",
            f"{row.bound_rows_per_s:.0f}",
            f"{row.ratio:.2f}",
        )
    return drawn


def _pair(text: str) -> tuple[str, str]:
    name, _, url = text.partition("=")
    if not url:
        raise typer.BadParameter(f"{text} is not of the form fp32=127.0.0.1:9001")
    return name, url


def main(
    server: Annotated[list[str], typer.Option(help="Name and address, fp32=127.0.0.1:9001.")],
    in_flight: Annotated[int, typer.Option(min=1, help="Processes that ask.")] = 8,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each measurement.")] = 5.0,
    device: Annotated[int, typer.Option(min=0, help="The GPU, as nvidia-smi counts.")] = 0,
    json_to: Annotated[str | None, typer.Option("--json", help="JSON to a file, or -.")] = None,
) -> None:
    """Each network at 1 to 64 frames a request, then whole clips (requests/s are clips/s)."""
    servers = [_pair(text) for text in server]
    try:
        smi = find_smi()
        for _, url in servers:
            refuse_cpus(url)
    except NoGpu as reason:
        print(reason, file=sys.stderr)
        raise typer.Exit(EXIT_NO_GPU) from reason
    asked = [(name, batch) for name in (AU.name, DEPTH.name) for batch in BATCHES]
    rows = [
        measure(each, Load(model, batch, in_flight, seconds), smi, device)
        for each in servers
        for model, batch in [*asked, (CLIP, WINDOW)]
    ]
    Console(stderr=json_to == "-").print(table(rows, in_flight))
    about = {"benchmark": "gpu", "cores": os.cpu_count(), "in_flight": in_flight}
    hand_on({**about, "rows": [row.document() for row in rows]}, json_to)


if __name__ == "__main__":
    typer.run(main)
