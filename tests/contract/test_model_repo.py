"""The committed models are those this code was written for."""

import json
from pathlib import Path

import pytest

from worker.backend import Deadline
from worker.preprocess.spec import PREPROCESS
from worker.settings import ModelSettings
from worker.triton.inprocess import InProcessBackend
from worker.triton.verify import TRAINED, probe, verify


@pytest.fixture
def repository() -> Path:
    folder = ModelSettings().model_repo
    if not (folder / "face" / "1" / "model.onnx").is_file():
        pytest.skip("needs the face detector: python -m training.export face")
    return folder


def test_models_agree_with_their_specification_and_answer(repository: Path) -> None:
    with InProcessBackend(repository) as backend:
        verify(backend, Deadline.after(60.0))
        probe(backend, Deadline.after(60.0))


@pytest.mark.parametrize("model", TRAINED)
def test_preprocessing_lies_beside_every_model_trained_here(model: str, repository: Path) -> None:
    written = json.loads((repository / model / "preprocess.json").read_text())

    assert written == {
        "preprocess": json.loads(PREPROCESS.to_json()),
        "digest": PREPROCESS.digest(),
    }
