"""All recognizers of emotions asked at once, in one request; the mean of their probabilities."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from worker.backend import Tensor
from worker.domain import FloatArray, Image
from worker.models.recognizer import Emotion, Recognition, Recognizer
from worker.specs import RECOGNIZE_ENSEMBLE


def ensemble(members: Sequence[Recognizer]) -> Recognizer:
    """One recognizer out of several, each named like its network.

    Probabilities are averaged as the networks give them: each one's own temperature is fitted to
    its own answers, and does not make an average mean what it says.
    """
    return Recognizer(
        "ensemble",
        RECOGNIZE_ENSEMBLE,
        partial(_prepare, members=members),
        partial(_interpret, members=members),
    )


def _prepare(
    crops: Image, reference: Image, *, members: Sequence[Recognizer]
) -> Mapping[str, Tensor]:
    prepared = [member.prepare(crops, reference) for member in members]
    return {name: tensor for inputs in prepared for name, tensor in inputs.items()}


def _interpret(outputs: Mapping[str, FloatArray], *, members: Sequence[Recognizer]) -> Recognition:
    each = np.stack([outputs[f"{member.name}_probabilities"] for member in members])
    return Recognition(outputs["action_units"], Emotion(each.mean(axis=0)))
