"""Real neighbours for the tests: an embedded stack, started once, and a small real clip."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack, StackConfig
from service.schemas import Job
from worker.contract import JobState
from worker.video.decode import decode
from worker.video.encode import write_clip
from worker.video.limits import DecodeLimits

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
"""Of the shared stack: small, so that passing it is cheap."""

Eventually = Callable[..., None]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop the gateway runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Waits until a condition holds, and fails the test where it does not in time."""

    def wait(condition: Callable[[], bool], timeout_s: float = 30.0, pause_s: float = 0.02) -> None:
        never = threading.Event()
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"did not happen within {timeout_s} s"
            never.wait(pause_s)

    return wait


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that smiles for half a second; 1.4 s, 84 frames."""
    path = tmp_path_factory.mktemp("clip") / "demo.mp4"
    subprocess.run([sys.executable, "-m", "worker", "demo-clip", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def short_clip(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The least that is worth analysing: every fifth frame of the demo clip, a quarter in size."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    frames = decode(demo_clip, DecodeLimits()).images()
    images = [np.ascontiguousarray(image[::2, ::2]) for image in list(frames)[::5]]
    write_clip(path, images, Fraction(12))
    return path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """Redis, Triton (where it can run), one worker and the gateway."""
    config = StackConfig(
        tmp_path_factory.mktemp("stack"),
        settings={
            "MADV_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
            "MADV_SWEEP_INTERVAL_S": "1",
            "TMPDIR": str(tmp_path_factory.mktemp("temporary")),
            "MADV_AUDIT_SEAL_S": "1",
        },
    )
    with EmbeddedStack(config) as running:
        yield running


@pytest.fixture
def client(stack: EmbeddedStack) -> Iterator[MadvClient]:
    with MadvClient(stack.gateway_url) as connected:
        yield connected


@pytest.fixture
def http(stack: EmbeddedStack) -> Iterator[httpx.Client]:
    """The bare protocol."""
    with httpx.Client(base_url=stack.gateway_url, timeout=30.0) as connected:
        yield connected


@pytest.fixture
def finished(client: MadvClient, eventually: Eventually) -> Callable[[str], Job]:
    """The job of an id once it has ended, however it ended."""

    def wait(job_id: str) -> Job:
        pending = {JobState.QUEUED, JobState.PROCESSING}
        eventually(lambda: client.job(job_id).status not in pending, timeout_s=90.0)
        return client.job(job_id)

    return wait
