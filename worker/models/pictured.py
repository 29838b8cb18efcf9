"""Recognizers that see a clip as pictures of its motion; action units are measured beside them."""

from collections.abc import Callable, Mapping
from functools import partial

from worker.backend import Tensor
from worker.domain import FloatArray, Image
from worker.models.recognizer import Emotion, Recognition, Recognizer
from worker.preprocess.dynamic_image import pictures
from worker.specs import RECOGNIZE_PICTURES, ModelSpec

Prepare = Callable[[Image, Image], Mapping[str, Tensor]]


def pictured(network: ModelSpec, seen: tuple[str, ...]) -> Recognizer:
    """The recognizer around a network that sees pictures of `worker.preprocess.dynamic_image`."""
    (tensor,) = network.inputs
    prepare: Prepare = partial(_prepare, tensor=tensor.name, seen=seen)
    return Recognizer(network.name, RECOGNIZE_PICTURES[network.name], prepare, interpret)


def interpret(outputs: Mapping[str, FloatArray]) -> Recognition:
    """Probabilities and what moved."""
    return Recognition(outputs["action_units"], Emotion(outputs["probabilities"]))


def _prepare(
    crops: Image, reference: Image, *, tensor: str, seen: tuple[str, ...]
) -> Mapping[str, Tensor]:
    return {"crops": crops, "reference": reference, tensor: pictures(crops, seen)}
