"""Inputs that reach a real Triton in shared memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient

from service.embedded.stack import EmbeddedStack
from worker.backend import Backend, Deadline, Tensor
from worker.specs import AU, CLIP_FRAMES, CROP_SIZE, FACE, RECOGNIZE, ModelSpec
from worker.triton.client import TritonBackend
from worker.triton.shared_memory import REGION_BYTES

pytestmark = pytest.mark.integration

RANDOM = np.random.default_rng(8)
CROPS = RANDOM.integers(0, 256, (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
INPUTS: dict[ModelSpec, dict[str, Tensor]] = {
    AU: {"crops": CROPS, "reference": CROPS[:1]},
    RECOGNIZE: {"crops": CROPS, "reference": CROPS[:1]},
    FACE: {"image": RANDOM.uniform(0, 255, (2, 3, 96, 160)).astype(np.float32)},
}
ANALYSE_AND_HANG = """
import sys, time
import numpy as np
from worker.backend import Deadline
from worker.triton.client import TritonBackend
with TritonBackend(sys.argv[1], shares_memory=True) as backend:
    crops = np.zeros((16, 3, 112, 112), dtype=np.uint8)
    inputs = {"crops": crops, "reference": crops[:1]}
    backend.infer("au", inputs, ["action_units"], Deadline.after(30))
    print("shared", flush=True)
    time.sleep(60)
"""


def soon() -> Deadline:
    return Deadline.after(30.0)


@pytest.fixture
def url(stack: EmbeddedStack) -> str:
    if stack.wiring.triton_port is None:
        pytest.skip(f"no Triton here: {stack.backend.why}")
    return f"127.0.0.1:{stack.wiring.triton_port}"


@pytest.fixture
def server(url: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(url) as client:
        yield client


@pytest.fixture
def sharing(url: str) -> Iterator[Backend]:
    with TritonBackend(url, shares_memory=True) as backend:
        yield backend


def files() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("madv-*")}  # noqa: S108  # POSIX shm


def regions(server: InferenceServerClient) -> dict[str, object]:
    return dict(server.get_system_shared_memory_status().regions)


@pytest.mark.parametrize("spec", INPUTS, ids=lambda spec: spec.name)
def test_shared_memory_changes_no_number(url: str, sharing: Backend, spec: ModelSpec) -> None:
    names = [tensor.name for tensor in spec.outputs]
    shared = sharing.infer(spec.name, INPUTS[spec], names, soon())
    with TritonBackend(url) as sending:
        sent = sending.infer(spec.name, INPUTS[spec], names, soon())
    for name in names:
        assert np.array_equal(shared[name], sent[name])


def test_a_second_request_takes_the_place_of_the_first(sharing: Backend) -> None:
    names = ["action_units"]
    first = sharing.infer("au", INPUTS[AU], names, soon())[names[0]]
    other = sharing.infer("au", {"crops": 255 - CROPS[:7], "reference": CROPS[:1]}, names, soon())
    again = sharing.infer("au", INPUTS[AU], names, soon())[names[0]]
    assert other[names[0]].shape[0] == 7
    assert np.array_equal(first, again)


def test_what_is_too_large_is_sent(sharing: Backend, server: InferenceServerClient) -> None:
    side = 736
    images = np.zeros((3, 3, side, side), dtype=np.float32)
    assert images.nbytes > REGION_BYTES
    found = sharing.infer("face", {"image": images}, ["heatmap"], soon())
    assert found["heatmap"].shape == (3, 1, side // 4, side // 4)
    assert len(regions(server)) == 1


def test_nothing_is_left(url: str, server: InferenceServerClient) -> None:
    before = files()
    with TritonBackend(url, shares_memory=True) as backend:
        backend.infer("au", INPUTS[AU], ["action_units"], soon())
        assert files() == before
        assert len(regions(server)) == 1
    assert regions(server) == {}


def test_a_killed_process_leaves_its_place_to_the_next(
    url: str, server: InferenceServerClient
) -> None:
    before = files()
    program = [sys.executable, "-c", ANALYSE_AND_HANG, url]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "shared\n"
        os.kill(killed.pid, signal.SIGKILL)
    assert files() == before
    assert len(regions(server)) == 1
    # Both are children of this process, as jobs are of one worker.
    done = subprocess.run(
        [sys.executable, "-c", ANALYSE_AND_HANG.replace("time.sleep(60)", "pass"), url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert regions(server) == {}


def test_a_worker_is_told_by_its_settings(url: str, server: InferenceServerClient) -> None:
    told = {"MADV_TRITON_URL": url, "MADV_TRITON_SHARES_MEMORY": "true"}
    done = subprocess.run(
        [sys.executable, "-m", "worker", "verify"],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert regions(server) == {}
