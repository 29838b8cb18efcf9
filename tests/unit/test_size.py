import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from training import size, to_onnx
from training.data import MODEL_REPO
from training.models.depth import DepthNet
from training.models.madvnet import SIZES
from worker.specs import CROP_SIZE, DEPTH, MADVNET

_GMAC = 1000.0


class Few(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.grouped = torch.nn.Conv2d(4, 8, 3, groups=2, padding=1)
        self.enlarged = torch.nn.ConvTranspose2d(8, 2, 2, stride=2)
        self.head = torch.nn.Linear(10, 5)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        rows = self.enlarged(self.grouped(pictures)).flatten(1)[:, :10]
        return self.head(rows) @ torch.ones(5, 3)


def test_every_kind_of_product_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "few.onnx"
    example = torch.zeros(1, 4, 6, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs a further package
        torch.onnx.export(Few().eval(), (example,), file, input_names=["pictures"], dynamo=False)
    grouped, enlarged = 8 * 36 * (4 // 2 * 9), 8 * 36 * (2 * 4)
    linear, product = 10 * 5, 5 * 3

    counted = size.macs(file, {"pictures": example.numpy()})

    assert counted == grouped + enlarged + linear + product


def test_the_count_is_that_of_torch(tmp_path: Path) -> None:
    file = tmp_path / "depth.onnx"
    to_onnx.write(DEPTH, file, checkpoint=None)
    crops = np.zeros((2, 3, CROP_SIZE, CROP_SIZE), np.uint8)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        DepthNet().eval()(torch.from_numpy(crops))

    assert size.macs(file, {"crops": crops}) == counter.get_total_flops() // 2


def test_depth_keeps_its_budget() -> None:
    assert size.measure(DEPTH, MODEL_REPO)["mmacs"] <= _GMAC


def test_the_served_graph_of_madvnet_has_the_products_of_configuration_s() -> None:
    counted = size.measure_network(SIZES["s"])
    served = size.measure(MADVNET, MODEL_REPO)
    # The maps of attention that the graph gives besides have a few products of their own.
    assert counted["mmacs"] == pytest.approx(served["mmacs"], rel=1e-3)
    # The graph has no batch norms of its own any more: they are part of the convolutions.
    assert counted["parameters_m"] == pytest.approx(served["parameters_m"], rel=0.01)


@pytest.mark.parametrize(("name", "millions"), [("xs", 1.9), ("s", 3.17), ("paper", 17.2)])
def test_configurations_have_the_intended_sizes(name: str, millions: float) -> None:
    counted = size.measure_network(SIZES[name])
    assert counted["parameters_m"] == pytest.approx(millions, rel=0.05)
