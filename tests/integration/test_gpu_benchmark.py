"""benchmarks/gpu.py on a machine without a GPU: its arithmetic, and that it refuses."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gpu import NoGpu, Row, Usage, find_smi, measure, refuse_cpus
from triton_load import CLIP, Load, Served

from service.embedded.ports import free_ports
from service.embedded.stack import EmbeddedStack

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).parents[2] / "benchmarks/gpu.py"
SAMPLES = "[ $1 = --list-gpus ] && exec echo 'GPU 0'; echo 40, 1000; echo 60, 1200; exec sleep 60"

Put = Callable[[str], None]


@pytest.fixture
def put_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a program of the name nvidia-smi, of these lines of shell, on PATH."""

    def put(lines: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


@pytest.fixture
def url(stack: EmbeddedStack) -> str:
    if stack.wiring.triton_port is None:
        pytest.skip(f"no Triton here: {stack.backend.why}")
    return f"127.0.0.1:{stack.wiring.triton_port}"


def test_the_ratio_is_the_share_of_the_time_spent_computing() -> None:
    served = Served(requests=100, rows=1600, seconds=4.0, median_ms=30, p95_ms=50)
    row = Row("fp32", "au", 16, served, compute_s=3.0, gpu_busy=0.8, gpu_memory_mb=1000)
    assert served.rows_per_s == 400
    assert served.requests_per_s == 25
    assert row.bound_rows_per_s == pytest.approx(1600 / 3)
    assert row.ratio == pytest.approx(0.75)
    assert row.document()["ratio"] == row.ratio


def test_usage_is_what_nvidia_smi_says() -> None:
    usage = Usage(["40, 1000", "60, 1200", "[N/A]", ""])
    assert usage.busy == pytest.approx(0.5)
    assert usage.memory_mb == 1200


def test_a_server_on_cpus_is_refused(url: str) -> None:
    with pytest.raises(NoGpu, match="on a CPU"):
        refuse_cpus(url)


def test_a_server_that_is_not_there_is_refused() -> None:
    (closed_port,) = free_ports(1)
    with pytest.raises(NoGpu, match=str(closed_port)):
        refuse_cpus(f"127.0.0.1:{closed_port}")


def test_a_driver_without_a_gpu_is_refused(put_smi: Put) -> None:
    put_smi("echo 'No devices were found'; exit 6")
    with pytest.raises(NoGpu, match="No devices"):
        find_smi()


@pytest.mark.parametrize(("model", "rows"), [("au", 4), ("depth", 2), (CLIP, 16)])
def test_a_load_is_measured_on_a_real_server(url: str, put_smi: Put, model: str, rows: int) -> None:
    put_smi(SAMPLES)
    row = measure(("fp32", url), Load(model, rows, in_flight=2, seconds=0.2), find_smi(), 0)
    assert row.served.requests >= 2
    assert row.served.rows == row.served.requests * rows
    assert row.compute_s > 0
    assert 0 < row.served.median_ms <= row.served.p95_ms
    assert (row.gpu_busy, row.gpu_memory_mb) == (0.5, 1200)


def test_without_a_gpu_it_says_so_and_measures_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--server", "fp32=127.0.0.1:9"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "no NVIDIA GPU here" in done.stderr
