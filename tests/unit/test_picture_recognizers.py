"""Recognizers of pictures and the ensemble: what they ask the server for, what they make of it."""

import numpy as np
import pytest

from worker.models.registry import REGISTRY, recognizer
from worker.preprocess.dynamic_image import pictures
from worker.specs import (
    CLIP_FRAMES,
    CROP_SIZE,
    EMOTION_NETWORKS,
    GATES,
    LABELS,
    LEVELS,
    RECOGNIZE_ENSEMBLE,
    TensorSpec,
)

CROPS = np.random.default_rng(5).integers(
    0, 256, (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), dtype=np.uint8
)
MEMBERS = [network.name for network in EMOTION_NETWORKS]


@pytest.mark.parametrize("name", REGISTRY)
def test_what_is_prepared_is_what_the_server_takes(name: str) -> None:
    judge = recognizer(name)

    prepared = judge.prepare(CROPS, CROPS[:1])

    assert set(prepared) == {tensor.name for tensor in judge.spec.inputs}
    for tensor in judge.spec.inputs:
        shape = tuple(CLIP_FRAMES if size < 0 else size for size in tensor.shape)
        assert (prepared[tensor.name].shape, prepared[tensor.name].dtype) == (shape, np.uint8)


def test_pictures_are_those_of_the_preprocessing() -> None:
    prepared = recognizer("afn").prepare(CROPS, CROPS[:1])

    assert (prepared["ranked_motion"] == pictures(CROPS, ["trdi", "midi"])).all()


def outputs(tensors: tuple[TensorSpec, ...]) -> dict[str, np.ndarray]:
    """Probabilities that differ from network to network; whatever else, zeros."""
    found = {}
    for number, tensor in enumerate(tensors):
        shape = [CLIP_FRAMES if size < 0 else size for size in tensor.shape]
        found[tensor.name] = np.zeros(shape, np.float32)
        if tensor.name.endswith("probabilities"):
            found[tensor.name][..., number % len(LABELS)] = 1
    return found


@pytest.mark.parametrize("name", ["msjfn", "affectivenet", "afn"])
def test_a_network_without_levels_tells_of_none(name: str) -> None:
    judge = recognizer(name)

    said = judge.interpret(outputs(judge.spec.outputs))

    assert said.emotion is not None
    assert said.emotion.label == LABELS[0]
    assert (said.emotion.level_probabilities, said.emotion.gate) == (None, None)
    assert said.action_units.shape[0] == CLIP_FRAMES


def test_the_ensemble_is_the_mean_of_all_that_infer_emotions() -> None:
    judge = recognizer("ensemble")

    said = judge.interpret(outputs(judge.spec.outputs))

    assert said.emotion is not None
    share = 1 / len(EMOTION_NETWORKS)
    assert said.emotion.probabilities[: len(MEMBERS)] == pytest.approx([share] * len(MEMBERS))
    assert said.emotion.probabilities.sum() == pytest.approx(1)


def test_the_ensemble_has_all_recognizers_of_emotions_for_members() -> None:
    others = {name for name, judge in REGISTRY.items() if judge.labels} - {"ensemble"}

    assert others == set(MEMBERS)
    assert {f"{name}_probabilities" for name in others} <= {
        tensor.name for tensor in RECOGNIZE_ENSEMBLE.outputs
    }


def test_the_other_recognizers_are_told_apart_from_madv_net_by_their_outputs() -> None:
    full = outputs(recognizer("madvnet").spec.outputs)
    said = recognizer("madvnet").interpret(full).emotion

    assert said is not None
    assert said.level_probabilities is not None
    assert said.level_probabilities.shape == (len(LEVELS), len(LABELS))
    assert said.gate is not None
    assert said.gate.shape == (len(GATES),)
