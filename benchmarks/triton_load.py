"""Load on a Triton as workers make it: processes that send one request after the other.

`python triton_load.py URL MODEL ROWS SECONDS [shared]` is one of them; `drive` starts several.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tritonclient.grpc import InferenceServerClient

from worker.backend import Backend, Deadline, Tensor
from worker.specs import AU, CLIP_FRAMES, CROP_SIZE, DEPTH, MODELS, RECOGNIZE
from worker.triton.client import TritonBackend

CLIP: Final = "clip"
"""Not one model: what a clip of `rows` frames asks for, an AU window and a recognition."""
WARM_UP: Final = 3
TIMEOUT_S: Final = 600.0
_SHARED: Final = "shared"


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, and by how many at a time."""

    model: str
    """`clip`, `au`, `depth` or `recognize`."""
    rows: int
    in_flight: int
    seconds: float
    shares_memory: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """What came of a load. Rows are frames."""

    requests: int
    rows: int
    seconds: float
    median_ms: float
    p95_ms: float

    @property
    def rows_per_s(self) -> float:
        """Throughput."""
        return self.rows / self.seconds

    @property
    def requests_per_s(self) -> float:
        """Throughput."""
        return self.requests / self.seconds


def served(load: Load, times_ms: Sequence[float], seconds: float) -> Served:
    """The sum of what all processes measured."""
    median_ms, p95_ms = np.percentile(times_ms, (50, 95)).tolist()
    count = len(times_ms)
    return Served(count, count * load.rows, seconds, median_ms, p95_ms)


def drive(url: str, load: Load) -> Served:
    """Bear a load.

    Raises:
        RuntimeError: A request failed.
    """
    words = [url, load.model, str(load.rows), str(load.seconds)]
    if load.shares_memory:
        words.append(_SHARED)
    # A shell between us and each, as a worker is between its jobs: who shares memory does so under
    # the name of its parent.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, __file__, *words]
    with ExitStack() as running:
        clients = [
            running.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(load.in_flight)
        ]
        for client in clients:
            _said(client)
        start_s = time.perf_counter()
        for client in clients:
            _go(client)
        times_ms = [time_ms for client in clients for time_ms in json.loads(_said(client))]
        return served(load, times_ms, time.perf_counter() - start_s)


def _said(client: subprocess.Popen[str]) -> str:
    line = client.stdout.readline() if client.stdout else ""
    if not line:
        raise RuntimeError(f"a client of Triton ended with code {client.wait()}")
    return line


def _go(client: subprocess.Popen[str]) -> None:
    if client.stdin is None:
        raise TypeError("stdin is a pipe")
    client.stdin.write("go\n")
    client.stdin.flush()


def requests(model: str, rows: int) -> list[tuple[str, dict[str, Tensor], list[str]]]:
    """Model, inputs and outputs of each request, one after the other."""
    crops = np.random.default_rng(1).integers(
        0, 256, (max(rows, CLIP_FRAMES), 3, CROP_SIZE, CROP_SIZE), dtype=np.uint8
    )
    inputs: Mapping[str, dict[str, Tensor]] = {
        AU.name: {"crops": crops[:rows], "reference": crops[:1]},
        DEPTH.name: {"crops": crops[:rows]},
        RECOGNIZE.name: {"crops": crops[:CLIP_FRAMES], "reference": crops[:1]},
    }
    wanted = (AU.name, RECOGNIZE.name) if model == CLIP else (model,)
    return [(name, inputs[name], [each.name for each in MODELS[name].outputs]) for name in wanted]


def compute_s(url: str, models: Sequence[str]) -> dict[str, float]:
    """Seconds a server has computed each model so far, without queues and copies.

    By executions, not by requests: those that were batched are computed once.
    """
    with InferenceServerClient(url) as server:
        statistics = server.get_inference_statistics(as_json=True)["model_stats"]
    return {
        entry["name"]: sum(
            int(batch["compute_infer"].get("ns", 0)) for batch in entry.get("batch_stats", ())
        )
        / 1e9
        for entry in statistics
        if entry["name"] in models
    }


def _times_ms(backend: Backend, model: str, rows: int, seconds: float) -> Iterator[float]:
    planned = requests(model, rows)

    def once() -> float:
        start_s = time.perf_counter()
        for name, inputs, outputs in planned:
            backend.infer(name, inputs, outputs, Deadline.after(TIMEOUT_S))
        return 1000 * (time.perf_counter() - start_s)

    for _ in range(WARM_UP):
        once()
    print("ready", flush=True)
    sys.stdin.readline()
    deadline = Deadline.after(seconds)
    while not deadline.is_over:
        yield once()


def main(words: Sequence[str]) -> None:
    """One client."""
    url, model, rows, seconds, *options = words
    with TritonBackend(url, shares_memory=_SHARED in options) as backend:
        print(json.dumps(list(_times_ms(backend, model, int(rows), float(seconds)))), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1:])
