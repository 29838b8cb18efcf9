import json
import shutil
from collections.abc import Callable
from pathlib import Path

import agreement
import numpy as np
import onnx
import pytest
from agreement import LIMITS, Difference, largest
from onnx import numpy_helper
from typer.testing import CliRunner

from worker.settings import ModelSettings

Round = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def repository() -> Path:
    folder = ModelSettings().model_repo
    if not (folder / "face/1/model.onnx").is_file():
        pytest.skip("needs the face detector: python -m training.export face")
    return folder


@pytest.fixture
def rounded(repository: Path, tmp_path: Path) -> Callable[[Round], Path]:
    """A copy of the repository whose networks have rounded weights."""

    def copy(round_weights: Round) -> Path:
        copied = tmp_path / "rounded"
        shutil.copytree(repository, copied)
        for name in ("au", "depth", "madvnet"):
            path = copied / name / "1/model.onnx"
            network = onnx.load(path)
            for tensor in network.graph.initializer:
                if tensor.data_type == onnx.TensorProto.FLOAT:
                    array = round_weights(numpy_helper.to_array(tensor)).astype(np.float32)
                    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
            onnx.save(network, path)
        return copied

    return copy


def to_fp16(weights: np.ndarray) -> np.ndarray:
    return weights.astype(np.float16)


def to_sixteen_steps(weights: np.ndarray) -> np.ndarray:
    scale = max(float(np.abs(weights).max()), 1e-9) / 8
    return np.round(weights / scale) * scale


def compare(*words: str | Path) -> tuple[int, str]:
    app = agreement.typer.Typer()
    app.command()(agreement.main)
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def test_the_worst_of_each_part_counts() -> None:
    worst = largest([Difference(1, 0, 3, 0), Difference(0, 2, 0, 4)])
    assert worst == Difference(1, 2, 3, 4)


@pytest.mark.parametrize("part", ["au_tail", "au_mean", "probability", "frames"])
def test_no_part_may_be_larger_than_its_limit(part: str) -> None:
    nothing = dict.fromkeys(("au_tail", "au_mean", "probability", "frames"), 0.0)
    assert Difference(**nothing).within(LIMITS)
    assert LIMITS.within(LIMITS)
    assert not Difference(**{**nothing, part: 1.5}).within(LIMITS)


@pytest.mark.slow
def test_weights_in_half_precision_pass_and_are_vouched_for(
    repository: Path, rounded: Callable[[Round], Path], tmp_path: Path
) -> None:
    report = tmp_path / "fp16.json"
    code, said = compare(repository, rounded(to_fp16), "--report", report)
    assert code == 0, said
    written = json.loads(report.read_text())
    assert written["passed"]
    assert set(written["weights"]) == {"au", "depth", "madvnet"}
    assert 0 < written["worst"]["au_tail"] < LIMITS.au_tail


@pytest.mark.slow
def test_weights_in_four_bits_fail(
    repository: Path, rounded: Callable[[Round], Path], tmp_path: Path
) -> None:
    report = tmp_path / "fp16.json"
    code, said = compare(repository, rounded(to_sixteen_steps), "--report", report)
    assert code == 1, said
    assert not json.loads(report.read_text())["passed"]


def test_a_side_that_cannot_be_reached_is_no_verdict(repository: Path, tmp_path: Path) -> None:
    report = tmp_path / "fp16.json"
    code, _ = compare(tmp_path, repository, "--report", report)
    assert code == 3
    assert not report.exists()
