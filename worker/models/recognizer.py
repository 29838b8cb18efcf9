"""What every recognizer is: a specification, and two functions around the model server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.backend import ModelDescription, Tensor
from worker.domain import FloatArray, Image
from worker.models.coarse import fold
from worker.specs import COARSE_LABELS, LABELS, ModelSpec


@dataclass(frozen=True, slots=True)
class Emotion:
    """What is inferred from an event, in label order of `worker.specs`."""

    probabilities: FloatArray
    """f32 [labels], sums to 1."""
    level_probabilities: FloatArray | None = None
    """f32 [levels, labels], each row sums to 1; None by a network without levels."""
    gate: FloatArray | None = None
    """f32 [gates], sums to 1; None by a network that fuses nothing."""

    @property
    def label(self) -> str:
        """The most probable label."""
        return LABELS[int(self.probabilities.argmax())]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a recognizer says about one event."""

    action_units: FloatArray
    """f32 [T, sides, K]: change against the onset in FACS units, for each sampled frame."""
    emotion: Emotion | None
    """None by a recognizer that infers none."""
    attention: FloatArray | None = None
    """f32 [T, levels, places, places]: where it looks in each frame and level, a picture sums to 1;
    None by a recognizer without, and unless asked for."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    """One entry of the registry."""

    name: str
    spec: ModelSpec
    prepare: Callable[[Image, Image], Mapping[str, Tensor]]
    """Inputs from crops uint8 [T, 3, S, S], onset to offset, and the onset crop [1, 3, S, S]."""
    interpret: Callable[[Mapping[str, FloatArray]], Recognition]
    labels: tuple[str, ...] = LABELS
    """What it tells apart; none where it infers no emotion."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all outputs.

        A Triton ensemble cannot leave out an output that one of its steps reads.
        """
        return tuple(tensor.name for tensor in self.spec.outputs)

    def outputs_of(self, served: ModelDescription) -> tuple[str, ...]:
        """Names of all outputs, and of the optional ones that this model has."""
        there = {tensor.name for tensor in served.outputs}
        more = (tensor.name for tensor in self.spec.optional if tensor.name in there)
        return (*self.outputs, *more)


def coarse(probabilities: FloatArray) -> dict[str, float]:
    """Positive, negative and surprise given that there is an event: neutral left out, sum 1."""
    return dict(zip(COARSE_LABELS, fold(probabilities).tolist(), strict=True))
