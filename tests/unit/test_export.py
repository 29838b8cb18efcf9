import json
import re
import shutil
from pathlib import Path

import onnx
import pytest
import torch

from training import repository, to_onnx
from training.data import MODEL_REPO
from training.models.depth import DepthNet
from worker.models.registry import recognizer
from worker.preprocess.spec import PREPROCESS
from worker.specs import (
    AU,
    AU_MAX,
    DEPTH,
    EMOTION_NETWORKS,
    ENSEMBLES,
    MADVNET,
    RECOGNIZE,
    ModelSpec,
)
from worker.triton.description import describe_config
from worker.triton.repository import read_config


@pytest.mark.parametrize("spec", [AU, DEPTH, *EMOTION_NETWORKS], ids=lambda spec: spec.name)
def test_exported_graph_agrees_with_torch(spec: ModelSpec, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    to_onnx.write(spec, file, checkpoint=None)  # raises where the two differ
    graph = onnx.load(file).graph
    assert [tensor.name for tensor in graph.input] == [tensor.name for tensor in spec.inputs]
    outputs = (*spec.outputs, *spec.optional)
    assert [tensor.name for tensor in graph.output] == [tensor.name for tensor in outputs]
    assert file.stat().st_size <= 16_000_000


def test_parity_check_notices_other_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    to_onnx.write(DEPTH, tmp_path / "model.onnx", checkpoint=None)
    network = DepthNet().eval()
    with pytest.raises(ValueError, match="differs from torch"):
        to_onnx.check(network, to_onnx.example(DEPTH), DEPTH, tmp_path / "model.onnx")


@pytest.mark.parametrize("spec", [AU, DEPTH, *EMOTION_NETWORKS], ids=lambda spec: spec.name)
def test_committed_configuration_is_what_export_writes(spec: ModelSpec, tmp_path: Path) -> None:
    folder, committed = tmp_path / spec.name, MODEL_REPO / spec.name
    written = ("config.pbtxt", "preprocess.json")
    shutil.copytree(committed, folder, ignore=shutil.ignore_patterns(*written))
    repository.write_model(folder, spec)
    for name in written:
        assert (folder / name).read_text() == (committed / name).read_text()


def test_figures_are_those_of_the_card() -> None:
    """Names and values; the table has a column for each order of the frames."""
    folder = MODEL_REPO / MADVNET.name
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (folder / "card.md").read_text().splitlines()
        if line.startswith("|") and re.search(r"0\.[0-9]", line)
    ]
    on_the_card = [(float(row[2]), float(row[3])) for row in rows]
    measured = json.loads((folder / repository.METRICS_FILE).read_text())["metrics"]
    in_order = [figure["value"] for figure in measured if "in order" in figure["protocol"]]
    shuffled = [figure["value"] for figure in measured if "shuffled" in figure["protocol"]]

    assert list(zip(in_order, shuffled, strict=True)) == on_the_card
    assert len({(figure["name"], figure["protocol"]) for figure in measured}) == len(measured)


def test_figures_of_other_weights_are_not_exported(tmp_path: Path) -> None:
    file = tmp_path / repository.METRICS_FILE
    file.write_text(json.dumps({"weights": "sha256:old", "metrics": [{"name": 'a "b" \\'}]}))

    assert json.loads(repository.metrics(file, "sha256:old")) == [{"name": 'a "b" \\'}]
    assert repository.metrics(file, "sha256:new") == "[]"
    assert repository.metrics(tmp_path / "none.json", "sha256:new") == "[]"


@pytest.mark.parametrize("spec", ENSEMBLES, ids=lambda spec: spec.name)
def test_committed_ensemble_is_what_export_writes(spec: ModelSpec, tmp_path: Path) -> None:
    repository.write_ensemble(tmp_path, MODEL_REPO, spec)
    committed = MODEL_REPO / spec.name / "config.pbtxt"
    assert (tmp_path / "config.pbtxt").read_text() == committed.read_text()


def test_an_ensemble_gives_attention_where_its_network_does(tmp_path: Path) -> None:
    for step in RECOGNIZE.steps:
        shutil.copytree(MODEL_REPO / step.name, tmp_path / step.name)
    network = tmp_path / MADVNET.name / "1" / "model.onnx"
    graph = onnx.load(network)
    (attention,) = (output for output in graph.graph.output if output.name == "attention")
    graph.graph.output.remove(attention)
    onnx.save(graph, network)

    repository.write_ensembles(tmp_path)

    given = {tensor.name for tensor in read_config(tmp_path, RECOGNIZE.name).output}
    assert given == {tensor.name for tensor in RECOGNIZE.outputs}
    described = describe_config(read_config(tmp_path, RECOGNIZE.name))
    assert recognizer("madvnet").outputs_of(described) == recognizer("madvnet").outputs


def test_committed_preprocessing_is_the_code_s() -> None:
    for spec in (AU, DEPTH, *EMOTION_NETWORKS, *ENSEMBLES):
        written = json.loads((MODEL_REPO / spec.name / "preprocess.json").read_text())
        assert written["digest"] == PREPROCESS.digest()


def test_the_served_change_stays_within_the_scale() -> None:
    class Wild(torch.nn.Module):
        def forward(self, crops: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
            return 9 * (crops.float() - reference.float()).sign()

    served = to_onnx.ServedAUNet(Wild())
    assert served(torch.tensor([0, 1, 2]), torch.tensor([1])).tolist() == [-AU_MAX, 0, AU_MAX]
