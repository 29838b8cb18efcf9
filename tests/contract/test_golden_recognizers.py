"""The committed networks of pictures give the answers they gave when they were committed.

Crops to probabilities, through the repository's own configurations: a change of pictures, luma,
tensors or weights shows here. New weights are new numbers.
"""

import numpy as np
import pytest

from training.data import MODEL_REPO
from worker.backend import Deadline
from worker.domain import Image
from worker.models.registry import recognizer
from worker.specs import CLIP_FRAMES, CROP_SIZE, EMOTION_NETWORKS
from worker.triton.inprocess import InProcessBackend

GOLDEN = {
    "msjfn": (0.0007, 0.014, 0.8701, 0.0335, 0.0204, 0.0057, 0.0157, 0.0398),
    "affectivenet": (0.0196, 0.4026, 0.1434, 0.1483, 0.1327, 0.0724, 0.0279, 0.0531),
    "afn": (0.0535, 0.2276, 0.1232, 0.1292, 0.1774, 0.0925, 0.0867, 0.1099),
}


def brow_raised() -> Image:
    """A pattern of which a patch moves up by two pixels and back; reddish, as skin is."""
    rows, columns = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float64)
    crops = []
    for time in np.linspace(0, np.pi, CLIP_FRAMES):
        near = np.exp(-((rows - 30) ** 2 / 100 + (columns - 40) ** 2 / 300))
        moved = rows + 2 * np.sin(time) * near
        gray = 128 + 60 * np.sin(moved / 4) * np.cos(columns / 6)
        crops.append(np.stack([1.1 * gray, gray, 0.9 * gray]))
    return np.stack(crops).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_answer_is_the_one_that_was_committed(name: str) -> None:
    judge, crops = recognizer(name), brow_raised()
    with InProcessBackend(MODEL_REPO) as backend:
        inputs = judge.prepare(crops, crops[:1])
        outputs = backend.infer(judge.spec.name, inputs, judge.outputs, Deadline.after(60.0))

    said = judge.interpret(outputs)

    assert said.emotion is not None
    assert said.emotion.probabilities == pytest.approx(GOLDEN[name], abs=2e-3)


def test_the_ensemble_asks_the_same_networks_in_one_request() -> None:
    crops = brow_raised()
    with InProcessBackend(MODEL_REPO) as backend:

        def said(name: str) -> np.ndarray:
            judge = recognizer(name)
            inputs = judge.prepare(crops, crops[:1])
            given = backend.infer(judge.spec.name, inputs, judge.outputs, Deadline.after(60.0))
            emotion = judge.interpret(given).emotion
            assert emotion is not None
            return emotion.probabilities

        mean = np.mean([said(network.name) for network in EMOTION_NETWORKS], axis=0)

        assert said("ensemble") == pytest.approx(mean, abs=1e-5)
