"""Whether what is served is what this code was written for, and whether it answers."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from worker.backend import Backend, Deadline, ModelDescription, TensorDescription
from worker.errors import BackendError, ContractMismatch
from worker.preprocess.spec import PREPROCESS
from worker.specs import (
    AU_NAMES,
    CLIP_FRAMES,
    CROP_SIZE,
    FACE,
    LABELS,
    MODELS,
    RECOGNIZE,
    ModelSpec,
    TensorSpec,
)

PARAMETERS: Final[Mapping[str, str]] = {
    "preprocess_digest": PREPROCESS.digest(),
    "labels": ",".join(LABELS),
    "action_units": ",".join(AU_NAMES),
}
"""What the models trained here must carry; the face detector comes from elsewhere."""
TRAINED: Final = tuple(name for name in MODELS if name != FACE.name)
DESCRIBED: Final = ("version", "digest", "trained_on", "licence", "metrics")
"""What a recognizer must say about itself, whatever it says."""


def verify(backend: Backend, deadline: Deadline) -> None:
    """Compare every model with its specification.

    Raises:
        ContractMismatch: Lists every difference found.
    """
    differences = [
        difference
        for spec in MODELS.values()
        for difference in compare(spec, backend.describe(spec.name, deadline))
    ]
    if differences:
        raise ContractMismatch("the models differ from this code: " + "; ".join(differences))


def verify_model(spec: ModelSpec, served: ModelDescription) -> None:
    """Compare one model with its specification.

    Raises:
        ContractMismatch: Lists every difference found.
    """
    if differences := list(compare(spec, served)):
        raise ContractMismatch("the model differs from this code: " + "; ".join(differences))


def probe(backend: Backend, deadline: Deadline) -> None:
    """Run the whole recognizer once, on grey frames.

    Raises:
        BackendError: It fails, or what it answers are no probabilities.
    """
    crops = np.full((CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), 128, dtype=np.uint8)
    outputs = backend.infer(
        RECOGNIZE.name,
        {"crops": crops, "reference": crops[:1]},
        [tensor.name for tensor in RECOGNIZE.outputs],
        deadline,
    )
    total = float(outputs["probabilities"].sum())
    if not np.isclose(total, 1.0, atol=1e-3):
        raise BackendError(f"the probabilities of {RECOGNIZE.name} sum to {total}")


def compare(spec: ModelSpec, served: ModelDescription) -> Iterator[str]:
    """Each difference between a model's specification and what is served."""
    if spec.max_batch != served.max_batch:
        yield f"{spec.name}: max_batch_size is {served.max_batch}, expected {spec.max_batch}"
    yield from _compare_tensors(f"{spec.name} input", spec.inputs, served.inputs)
    more = {tensor.name for tensor in served.outputs}
    outputs = (*spec.outputs, *(tensor for tensor in spec.optional if tensor.name in more))
    yield from _compare_tensors(f"{spec.name} output", outputs, served.outputs)
    if spec.name in TRAINED:
        yield from _compare_parameters(spec, served.parameters)


def _compare_tensors(
    where: str, expected: tuple[TensorSpec, ...], served: tuple[TensorDescription, ...]
) -> Iterator[str]:
    found = {tensor.name: _signature(tensor) for tensor in served}
    wanted = {tensor.name: _signature(tensor) for tensor in expected}
    for name in sorted(wanted.keys() | found.keys()):
        is_, should = found.get(name, "missing"), wanted.get(name, "none")
        if is_ != should:
            yield f"{where} {name}: is {is_}, expected {should}"


def _signature(tensor: TensorSpec | TensorDescription) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"


def _compare_parameters(spec: ModelSpec, served: Mapping[str, str]) -> Iterator[str]:
    for name, expected in PARAMETERS.items():
        if (found := served.get(name, "missing")) != expected:
            yield f"{spec.name} parameter {name}: is {found}, expected {expected}"
    if spec.steps:
        yield from (
            f"{spec.name} parameter {name}: missing" for name in DESCRIBED if name not in served
        )
