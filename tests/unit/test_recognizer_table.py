"""Networks of emotions set side by side, on made-up clips and answers."""

import numpy as np
import pytest

from training.answering import answers, feeds
from training.benchmark.clips import Clips
from training.data import MODEL_REPO
from training.reproduce.recognizers import judged
from worker.specs import (
    AFN,
    AU_COUNT,
    CLIP_FRAMES,
    CROP_SIZE,
    EMOTION_NETWORKS,
    LABELS,
    NEUTRAL,
    ModelSpec,
)


def clips(count: int) -> Clips:
    """Noise of every label in turn, track by track."""
    rng = np.random.default_rng(2)
    shape = (count, CLIP_FRAMES, CROP_SIZE, CROP_SIZE)
    return Clips(
        rng.integers(0, 256, shape, dtype=np.uint8),
        rng.random((count, CLIP_FRAMES, 56, 56)).astype(np.float16),
        rng.normal(0, 1, (count, CLIP_FRAMES, 2, AU_COUNT)).astype(np.float32),
        np.zeros((count, 2, AU_COUNT), np.float32),
        np.arange(count) % len(LABELS),
        np.arange(count) // len(LABELS) % 2,
        np.array(["somebody"] * count),
    )


@pytest.mark.parametrize("spec", EMOTION_NETWORKS, ids=lambda spec: spec.name)
def test_a_network_is_fed_what_it_is_specified_to_take(spec: ModelSpec) -> None:
    (inputs,) = feeds(clips(1), spec)

    for tensor in spec.inputs:
        assert inputs[tensor.name].shape == tensor.shape
    assert set(inputs) == {tensor.name for tensor in spec.inputs}


def test_an_exported_network_answers_with_probabilities() -> None:
    said = answers(MODEL_REPO / AFN.name / "1" / "model.onnx", clips(2), AFN)

    assert said.shape == (2, len(LABELS))
    assert said.sum(axis=1) == pytest.approx([1, 1], abs=1e-4)


def test_figures_are_by_track_and_coarse_ones_given_an_event() -> None:
    seen = clips(2 * len(LABELS))
    right = np.eye(len(LABELS), dtype=np.float32)[seen.label]
    right[NEUTRAL] = right[0]  # a still clip of the first track taken for an event

    assert judged(right, seen) == {
        "coarse_uf1_statistics": 1.0,
        "accuracy_8_statistics": 0.875,
        "coarse_uf1_prototypes": 1.0,
        "accuracy_8_prototypes": 1.0,
    }
