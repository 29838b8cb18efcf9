"""MADV-Net behind the ensemble `recognize`: depth and AUs are computed on the server."""

from collections.abc import Mapping

from worker.backend import Tensor
from worker.domain import FloatArray, Image
from worker.models.recognizer import Emotion, Recognition


def prepare(crops: Image, reference: Image) -> Mapping[str, Tensor]:
    """The ensemble's inputs."""
    return {"crops": crops, "reference": reference}


def interpret(outputs: Mapping[str, FloatArray]) -> Recognition:
    """The ensemble's outputs under their names."""
    return Recognition(
        outputs["action_units"],
        Emotion(outputs["probabilities"], outputs["level_probabilities"], outputs["gate"]),
        outputs.get("attention"),
    )
