"""What is served is compared with the specification tensor by tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from worker.backend import Deadline, ModelDescription, Tensor, TensorDescription
from worker.domain import FloatArray
from worker.errors import BackendError, ContractMismatch
from worker.specs import AU, CROP_SIZE, LABELS, MADVNET, MODELS, RECOGNIZE, ModelSpec, TensorSpec
from worker.triton.verify import PARAMETERS, TRAINED, probe, verify

ABOUT = {
    "version": "1",
    "digest": "sha256:0",
    "trained_on": "made-up data",
    "licence": "CC0-1.0",
    "metrics": "[]",
}


def served(spec: ModelSpec) -> ModelDescription:
    """A description that agrees with the specification."""

    def tensors(specs: tuple[TensorSpec, ...]) -> tuple[TensorDescription, ...]:
        return tuple(TensorDescription(spec.name, spec.dtype, spec.shape) for spec in specs)

    parameters = {**PARAMETERS, **ABOUT} if spec.name in TRAINED else {}
    return ModelDescription(
        spec.name, tensors(spec.inputs), tensors(spec.outputs), spec.max_batch, parameters
    )


@dataclass
class Described:
    """A backend that only says what it serves, and answers every inference the same."""

    models: dict[str, ModelDescription] = field(
        default_factory=lambda: {name: served(spec) for name, spec in MODELS.items()}
    )
    probability: float = 1.0 / len(LABELS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        assert not deadline.is_over
        return self.models[model]

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        assert (model, set(inputs)) == (RECOGNIZE.name, {"crops", "reference"})
        assert not deadline.is_over
        return {name: np.full(len(LABELS), self.probability, np.float32) for name in outputs}


def soon() -> Deadline:
    return Deadline.after(10.0)


def test_models_as_specified_pass() -> None:
    verify(Described(), soon())
    probe(Described(), soon())


def test_every_difference_is_listed() -> None:
    models = Described().models
    half = CROP_SIZE // 2
    other = TensorDescription("crops", "FP32", (-1, 3, half, half))
    models["au"] = replace(models["au"], inputs=(other, models["au"].inputs[1]))
    models["depth"] = replace(models["depth"], max_batch=8, outputs=())
    labels = ",".join(reversed(LABELS))
    models["madvnet"] = replace(models["madvnet"], parameters={**PARAMETERS, "labels": labels})
    recognize = dict(models["recognize"].parameters)
    del recognize["digest"], recognize["preprocess_digest"]
    models["recognize"] = replace(models["recognize"], parameters=recognize)
    surplus = TensorDescription("logits", "FP32", (8,))
    models["face"] = replace(models["face"], outputs=(*models["face"].outputs, surplus))

    with pytest.raises(ContractMismatch) as caught:
        verify(Described(models), soon())

    message = str(caught.value)
    assert "au input crops: is FP32[-1, 3, 56, 56], expected UINT8[-1, 3, 112, 112]" in message
    assert "depth: max_batch_size is 8, expected 64" in message
    assert "depth output depth: is missing" in message
    assert f"madvnet parameter labels: is {labels}" in message
    assert "recognize parameter preprocess_digest: is missing" in message
    assert "recognize parameter digest: missing" in message
    assert "face output logits: is FP32[8], expected none" in message
    assert message.count(";") == 6


def test_an_optional_output_may_be_there_in_its_own_shape_alone() -> None:
    models = Described().models
    (optional,) = MADVNET.optional
    attention = TensorDescription(optional.name, optional.dtype, optional.shape)
    outputs = models[MADVNET.name].outputs
    models[MADVNET.name] = replace(models[MADVNET.name], outputs=(*outputs, attention))
    verify(Described(models), soon())

    narrow = replace(attention, shape=(16, 3, 7, 7))
    models[MADVNET.name] = replace(models[MADVNET.name], outputs=(*outputs, narrow))
    with pytest.raises(ContractMismatch, match="madvnet output attention"):
        verify(Described(models), soon())


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_preprocessing_labels_and_action_units_are_compared(parameter: str) -> None:
    models = Described().models
    changed = {**models[AU.name].parameters, parameter: "other"}
    models[AU.name] = replace(models[AU.name], parameters=changed)

    with pytest.raises(ContractMismatch, match=f"au parameter {parameter}: is other"):
        verify(Described(models), soon())


@pytest.mark.parametrize("probability", [0.2, float("nan")])
def test_an_inference_that_gives_no_probabilities_proves_nothing(probability: float) -> None:
    with pytest.raises(BackendError, match="sum to"):
        probe(Described(probability=probability), soon())
