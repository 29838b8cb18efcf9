"""Depth Anything in the depth slot: exported from a local folder, served in the ensemble."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from service.embedded.stack import EmbeddedStack, StackConfig
from training.data import MODEL_REPO
from training.models.depth_anything import DepthAnything
from worker.backend import Backend, Deadline
from worker.specs import CLIP_FRAMES, CROP_SIZE, DEPTH, ENSEMBLES, MADVNET, RECOGNIZE
from worker.triton.client import TritonBackend
from worker.triton.inprocess import InProcessBackend

pytestmark = [pytest.mark.integration, pytest.mark.slow]

CROPS = np.random.default_rng(3).integers(
    0, 256, (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), dtype=np.uint8
)
PARITY = 1e-3


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its shape in small, with weights large enough that the depth varies."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        image_size=56,
        patch_size=14,
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=24,
        neck_hidden_sizes=[8, 8, 12, 12],
        fusion_hidden_size=8,
        head_hidden_size=8,
    )
    network = DepthAnythingForDepthEstimation(config)
    for weight in network.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    folder = tmp_path_factory.mktemp("depth-anything")
    torch.nn.init.constant_(network.head.conv3.bias, 3.0)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def repo(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the model repository after the command of the export."""
    if not (MODEL_REPO / "face" / "1" / "model.onnx").is_file():
        pytest.skip("needs the face detector: python -m training.export face")
    copy = tmp_path_factory.mktemp("models") / "repo"
    shutil.copytree(MODEL_REPO, copy)
    export = [sys.executable, "-m", "training.export", "depth-anything", "--weights", str(weights)]
    subprocess.run([*export, "--model-repo", str(copy)], check=True)
    return copy


@pytest.fixture(scope="module")
def served(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Its start verifies and probes every model: the stack does not come up otherwise."""
    config = StackConfig(tmp_path_factory.mktemp("stack"), model_repo=repo)
    with EmbeddedStack(config) as stack:
        if stack.wiring.triton_port is None:
            pytest.skip(f"no Triton here: {stack.backend.why}")
        with TritonBackend(f"127.0.0.1:{stack.wiring.triton_port}") as backend:
            yield backend


def _soon() -> Deadline:
    return Deadline.after(60.0)


@pytest.mark.parametrize("frames", [1, CLIP_FRAMES])
def test_triton_gives_the_depth_of_torch(frames: int, served: Backend, weights: Path) -> None:
    crops = CROPS[:frames]
    with torch.no_grad():
        expected = DepthAnything.load(weights)(torch.from_numpy(crops)).numpy()
    depth = served.infer(DEPTH.name, {"crops": crops}, ["depth"], _soon())["depth"]

    assert depth.shape == (frames, 1, CROP_SIZE, CROP_SIZE)
    assert expected.std() > 100 * PARITY
    assert np.abs(depth - expected).max() <= PARITY


def test_the_ensemble_classifies_with_it(served: Backend, repo: Path) -> None:
    names = [tensor.name for tensor in RECOGNIZE.outputs]
    inputs = {"crops": CROPS, "reference": CROPS[:1]}
    answer = served.infer(RECOGNIZE.name, inputs, names, _soon())
    with InProcessBackend(repo) as here:
        depth = here.infer(DEPTH.name, {"crops": CROPS}, ["depth"], _soon())["depth"]
        streams = {"crops": CROPS, "depth": depth, "action_units": answer["action_units"]}
        alone = here.infer(MADVNET.name, streams, ["probabilities"], _soon())

    assert answer["probabilities"] == pytest.approx(alone["probabilities"], abs=PARITY)


def test_nothing_else_is_changed(repo: Path) -> None:
    before, after = _digests(MODEL_REPO), _digests(repo)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    around = {f"{each.name}/config.pbtxt" for each in ENSEMBLES if DEPTH in each.steps}
    assert changed == {"depth/1/model.onnx", "depth/config.pbtxt"} | around


def test_what_is_served_says_whose_weights_they_are(served: Backend) -> None:
    said = served.describe(RECOGNIZE.name, _soon()).parameters
    assert said["licence"] == "CC-BY-4.0 AND Apache-2.0"
    assert "Depth Anything V2" in said["trained_on"]
    assert said["metrics"] == "[]"  # measured with other weights


def test_weights_that_are_not_whole_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        DepthAnything.load(tmp_path)
    backbone_alone = DepthAnythingForDepthEstimation.from_pretrained(weights).backbone
    shutil.copy(weights / "config.json", tmp_path / "whole.json")
    backbone_alone.save_pretrained(tmp_path)
    (tmp_path / "whole.json").replace(tmp_path / "config.json")
    with pytest.raises(ValueError, match="lacks"):
        DepthAnything.load(tmp_path)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }
