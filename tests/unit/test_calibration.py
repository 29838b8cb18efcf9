"""Probabilities that mean what they say, from the fit to the report."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from training import calibration, repository
from training.benchmark.clips import Clips
from training.calibrate import calibrate
from training.calibration import Reliability
from training.data import MODEL_REPO
from worker.domain import FloatArray
from worker.errors import ContractMismatch
from worker.models.calibration import Calibration
from worker.models.recognizer import Emotion
from worker.specs import AU_COUNT, CLIP_FRAMES, CROP_SIZE, GATES, LABELS, LEVELS
from worker.triton.description import describe_config
from worker.triton.repository import read_config

CLASSES = len(LABELS)


def softmax(logits: np.ndarray) -> FloatArray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def overconfident(count: int = 4000) -> tuple[FloatArray, np.ndarray]:
    """Answers of a network whose logits are three times what they should be, and the truth."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (count, CLASSES))
    truth = np.array([rng.choice(CLASSES, p=row / row.sum()) for row in softmax(logits)])
    return softmax(3 * logits), truth


def emotion(best: float) -> Emotion:
    rest = (1 - best) / (CLASSES - 1)
    probabilities = np.array([best, *[rest] * (CLASSES - 1)], np.float32)
    levels = np.tile(probabilities, (len(LEVELS), 1))
    return Emotion(probabilities, levels, np.full(len(GATES), 0.25, np.float32))


def test_the_temperature_that_was_lost_is_found() -> None:
    probabilities, truth = overconfident()
    fitted = calibration.fit(probabilities, truth)
    assert fitted.temperature == pytest.approx(3, rel=0.1)
    before = Reliability.of(probabilities, truth).ece
    after = Reliability.of(fitted.tempered(probabilities), truth).ece
    assert before > 0.15
    assert after < 0.03


def test_calibration_error_is_the_gap_by_bins() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]], np.float32)
    seen = Reliability.of(probabilities, np.array([0, 1, 0, 1]))
    assert seen.ece == pytest.approx(0.5 * abs(0.9 - 0.5) + 0.5 * abs(0.6 - 1.0), abs=1e-6)
    assert seen.share.sum() == pytest.approx(1)


def test_the_threshold_is_the_least_that_reaches_the_target() -> None:
    confidence = np.array([0.95, 0.9, 0.8, 0.7, 0.6], np.float32)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    truth = np.array([0, 0, 1, 0, 1])  # 1, 1, 2/3, 3/4, 3/5 of the answers right so far
    assert calibration.threshold(probabilities, truth, 0.75) == pytest.approx(0.7, abs=1e-3)
    assert calibration.threshold(probabilities, truth, 0.6) == 0
    assert calibration.threshold(probabilities, np.ones_like(truth), 0.75) == pytest.approx(
        0.95, abs=1e-3
    )


def test_the_diagram_is_a_picture(tmp_path: Path) -> None:
    probabilities, truth = overconfident(200)
    seen = Reliability.of(probabilities, truth)
    calibration.draw(seen, seen, tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_tempering_is_softmax_over_the_temperature() -> None:
    logits = np.random.default_rng(1).normal(0, 2, (5, CLASSES))
    tempered = Calibration(2.5).tempered(softmax(logits))
    assert tempered == pytest.approx(softmax(logits / 2.5), abs=1e-6)
    assert tempered.argmax(axis=1).tolist() == logits.argmax(axis=1).tolist()


def test_certainty_can_be_tempered() -> None:
    certain = Calibration(2.0).tempered(np.eye(CLASSES, dtype=np.float32)[0])
    assert np.isfinite(certain).all()
    assert certain.sum() == pytest.approx(1)


def test_a_model_without_the_parameters_is_uncalibrated_and_answers() -> None:
    served = Calibration.of({"version": "1"})
    assert served == Calibration()
    assert served.confidence == "uncalibrated"
    assert (
        served.applied(emotion(0.3)).probabilities.tolist() == emotion(0.3).probabilities.tolist()
    )
    assert not served.abstains(emotion(0.13))


def test_a_model_with_them_says_so_and_abstains_below_the_threshold() -> None:
    served = Calibration.of({"temperature": "1.0", "abstain_below": "0.5"})
    assert served.confidence == "calibrated"
    assert served.abstains(emotion(0.49))
    assert not served.abstains(emotion(0.51))


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": "2"},
        {"temperature": "hot", "abstain_below": "0.5"},
        {"temperature": "0", "abstain_below": "0.5"},
        {"temperature": "nan", "abstain_below": "0.5"},
        {"temperature": "1", "abstain_below": "1.5"},
    ],
)
def test_broken_parameters_are_a_mismatch(parameters: dict[str, str]) -> None:
    with pytest.raises(ContractMismatch, match="calibration parameters"):
        Calibration.of(parameters)


def test_the_repository_serves_what_was_fitted_on_its_weights(tmp_path: Path) -> None:
    file = tmp_path / repository.CALIBRATION_FILE
    file.write_text(
        json.dumps({"weights": "sha256:a", "temperature": 1.7, "abstain_below": 0.4, "ece": 0.1})
    )
    served = repository.calibration(file, "sha256:a")
    assert served == {"temperature": "1.7", "abstain_below": "0.4"}
    assert Calibration.of(served) == Calibration(1.7, 0.4, "calibrated")
    assert repository.calibration(file, "sha256:b") == {}
    assert repository.calibration(tmp_path / "none.json", "sha256:a") == {}


def test_what_is_fitted_is_served(tmp_path: Path) -> None:
    """On noise, whatever it says: both configurations carry it, and the ensemble's digest."""
    repo = tmp_path / "repo"
    for name in ("au", "depth", "madvnet", "recognize"):
        shutil.copytree(MODEL_REPO / name, repo / name)
    (repo / "madvnet" / repository.CALIBRATION_FILE).unlink(missing_ok=True)
    repository.write_ensemble(repo / "recognize", repo)
    before = read_config(repo, "recognize").parameters["digest"].string_value
    noise = clips(6)

    figures = calibrate(repo, noise, noise)

    served = [describe_config(read_config(repo, name)) for name in ("madvnet", "recognize")]
    fitted = {Calibration.of(model.parameters) for model in served}
    expected = (figures["temperature"], figures["abstain_below"])
    assert fitted == {Calibration(*map(float, expected), "calibrated")}
    assert served[1].parameters["digest"] != before
    assert (repo / "madvnet" / "reliability.png").is_file()
    (repo / "madvnet" / repository.CALIBRATION_FILE).unlink()
    repository.write_ensemble(repo / "recognize", repo)
    assert read_config(repo, "recognize").parameters["digest"].string_value == before


def clips(count: int) -> Clips:
    rng = np.random.default_rng(2)
    shape = (count, CLIP_FRAMES, CROP_SIZE, CROP_SIZE)
    return Clips(
        rng.integers(0, 256, shape, dtype=np.uint8),
        rng.random((count, CLIP_FRAMES, 56, 56)).astype(np.float16),
        rng.normal(0, 1, (count, CLIP_FRAMES, 2, AU_COUNT)).astype(np.float32),
        np.zeros((count, 2, AU_COUNT), np.float32),
        np.arange(count) % CLASSES,
        np.arange(count) % 2,
        np.array(["somebody"] * count),
    )
