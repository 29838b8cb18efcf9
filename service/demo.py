"""The whole service on a made-up smile: start, upload, wait, look."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from service.client import MadvClient
from service.client.tables import summary
from service.embedded.backend import BackendChoice, Requested
from service.embedded.stack import EmbeddedStack, StackConfig
from worker.contract import AnalysisReport


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo does. `data_dir=None` takes a folder that is removed afterwards."""

    out_dir: Path
    data_dir: Path | None
    backend: Requested

    def run(self, console: Console) -> None:
        """Make the clip, recognise it over HTTP, print and write the answer.

        Raises:
            StackError: The stack cannot start.
            ClientError: The service gives no result.
            CalledProcessError: The clip or the plot cannot be made.
        """
        self.out_dir.mkdir(parents=True, exist_ok=True)
        clip, result, plot = (
            self.out_dir / name for name in ("clip.mp4", "result.json", "plot.png")
        )
        with console.status("making the clip"):
            run_worker("demo-clip", str(clip))
        report = self._recognize(clip, console)
        result.write_text(report.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
        with console.status("drawing the plot"):
            run_worker("plot", str(result), str(clip), str(plot))
        console.print(summary(report))
        console.print(f"written to {self.out_dir}: result.json, result.csv, plot.png")
        console.print("`madv up` runs all of it until Ctrl-C, with a page at http://127.0.0.1:8000")

    def _recognize(self, clip: Path, console: Console) -> AnalysisReport:
        start_s = time.monotonic()
        console.print("starting Redis, the model server, a worker and the gateway ...")
        with (
            _folder(self.data_dir) as data_dir,
            EmbeddedStack(StackConfig(data_dir, backend=self.backend)) as stack,
            MadvClient(stack.gateway_url) as client,
        ):
            ready_s = time.monotonic()
            console.print(f"ready after {ready_s - start_s:.1f} s, {_in_words(stack.backend)}")
            report = client.recognize(clip)
            console.print(f"recognised over HTTP in {time.monotonic() - ready_s:.2f} s")
            if report.job_id is not None:
                csv = client.result_csv(report.job_id)
                (self.out_dir / "result.csv").write_text(csv, encoding="utf-8")
            return report


def run_worker(*arguments: str) -> None:
    """One of the worker's own commands, as a process: `service` never imports the worker.

    Raises:
        CalledProcessError: It failed; it has said why.
    """
    subprocess.run([sys.executable, "-m", "worker", *arguments], check=True)


def _in_words(backend: BackendChoice) -> str:
    if backend.triton is None:
        return f"models run in the worker (Triton is not in use: {backend.why})"
    return f"Triton is in use (nvidia-pytriton {backend.triton.wheel_version})"


@contextmanager
def _folder(told: Path | None) -> Iterator[Path]:
    if told is not None:
        yield told
        return
    with tempfile.TemporaryDirectory(prefix="madv-demo-") as temporary:
        yield Path(temporary)
