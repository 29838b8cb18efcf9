"""The gRPC backend against a real Triton that serves through our Python-based backend."""

from collections.abc import Iterator

import numpy as np
import pytest

from service.embedded.stack import EmbeddedStack
from worker.backend import Backend, Deadline
from worker.errors import BackendTimeout, ContractMismatch
from worker.models.registry import REGISTRY
from worker.specs import CLIP_FRAMES, CROP_SIZE, FACE, MODELS, RECOGNIZE, ModelSpec
from worker.triton.client import TritonBackend
from worker.triton.inprocess import InProcessBackend
from worker.triton.verify import probe, verify

pytestmark = pytest.mark.integration

RANDOM = np.random.default_rng(7)
CROPS = RANDOM.integers(0, 256, (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
IMAGE = RANDOM.uniform(0, 255, (2, 3, 96, 160)).astype(np.float32)
INPUTS = {
    **{judge.spec: judge.prepare(CROPS, CROPS[:1]) for judge in REGISTRY.values()},
    FACE: {"image": IMAGE},
}


def soon() -> Deadline:
    return Deadline.after(30.0)


@pytest.fixture
def triton(stack: EmbeddedStack) -> Iterator[Backend]:
    if stack.wiring.triton_port is None:
        pytest.skip(f"no Triton here: {stack.backend.why}")
    with TritonBackend(f"127.0.0.1:{stack.wiring.triton_port}") as backend:
        yield backend


@pytest.fixture
def inprocess(stack: EmbeddedStack) -> Iterator[Backend]:
    with InProcessBackend(stack.wiring.model_repo) as backend:
        yield backend


def test_the_live_server_serves_what_this_code_expects(triton: Backend) -> None:
    verify(triton, soon())
    probe(triton, soon())


@pytest.mark.parametrize("name", MODELS)
def test_both_backends_describe_a_model_alike(
    name: str, triton: Backend, inprocess: Backend
) -> None:
    assert triton.describe(name, soon()) == inprocess.describe(name, soon())


@pytest.mark.parametrize("spec", INPUTS, ids=lambda spec: spec.name)
def test_both_backends_give_the_same_numbers(
    spec: ModelSpec, triton: Backend, inprocess: Backend
) -> None:
    inputs, names = INPUTS[spec], [tensor.name for tensor in (*spec.outputs, *spec.optional)]

    there = triton.infer(spec.name, inputs, names, soon())
    here = inprocess.infer(spec.name, inputs, names, soon())

    for name in names:
        assert there[name].shape == here[name].shape
        assert there[name] == pytest.approx(here[name], abs=1e-5)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("nobody", {"crops": CROPS}),
        ("au", {"crops": CROPS}),
        ("au", {"crops": CROPS[:, :, :56], "reference": CROPS[:1]}),
        ("au", {"crops": CROPS.astype(np.float32), "reference": CROPS[:1]}),
    ],
)
def test_what_does_not_fit_is_a_mismatch(
    model: str, inputs: dict[str, np.ndarray], triton: Backend
) -> None:
    with pytest.raises(ContractMismatch):
        triton.infer(model, inputs, ["action_units"], soon())


def test_a_deadline_is_kept(triton: Backend) -> None:
    with pytest.raises(BackendTimeout):
        triton.infer("recognize", INPUTS[RECOGNIZE], ["probabilities"], Deadline.after(0.001))
