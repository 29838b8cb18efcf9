import math
from pathlib import Path

import pytest
import torch

from training.loop import Recipe, fit
from training.models.au import AUNet
from training.models.depth import DepthNet
from training.models.madvnet import MADVNet, MADVNetOutput
from worker.specs import AU_COUNT, CLIP_FRAMES, CROP_SIZE, LABELS, LEVELS


@pytest.fixture
def crops() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randint(0, 256, (2, CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)


def _madvnet(crops: torch.Tensor, network: MADVNet) -> MADVNetOutput:
    torch.manual_seed(1)
    depth = torch.rand(2, CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE)
    return network(crops, depth, torch.rand(2, CLIP_FRAMES, 2, AU_COUNT))


def test_madvnet_answers_in_the_stated_shapes(crops: torch.Tensor) -> None:
    output = _madvnet(crops, MADVNet().eval())
    assert output.logits.shape == (2, len(LABELS))
    assert output.level_logits.shape == (2, len(LEVELS), len(LABELS))
    assert output.gate.sum(dim=1).tolist() == pytest.approx([1, 1])
    assert output.kl.item() > 0


def test_madvnet_has_the_size_of_configuration_s() -> None:
    parameters = sum(weight.numel() for weight in MADVNet().parameters())
    assert math.isclose(parameters, 3.17e6, rel_tol=0.05)


def test_every_parameter_of_madvnet_gets_a_gradient(crops: torch.Tensor) -> None:
    network = MADVNet().train()
    output = _madvnet(crops, network)
    (
        output.logits.sum() + output.level_logits.sum() + output.au_logits.sum() + output.kl
    ).backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert still == []


def test_madvnet_depends_on_motion_not_only_on_the_picture(crops: torch.Tensor) -> None:
    network = MADVNet().eval()
    still = crops[:, :1].expand_as(crops)
    assert not torch.allclose(_madvnet(crops, network).logits, _madvnet(still, network).logits)


def test_au_network_ignores_gain_and_offset_of_the_light() -> None:
    torch.manual_seed(0)
    network = AUNet().eval()
    face = torch.randint(20, 100, (1, 1, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    brighter = 2 * face + 30
    assert torch.allclose(network(face, face), network(brighter, brighter), atol=0.02)


def test_depth_network_gives_one_map_a_crop(crops: torch.Tensor) -> None:
    assert DepthNet().eval()(crops[0]).shape == (CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE)


def _fit(folder: Path, epochs: int) -> dict[str, torch.Tensor]:
    recipe = Recipe(epochs, 4, 1e-2, 0.0, 0.1, 16, seed=1, precision="float32")
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    data = (torch.arange(48, dtype=torch.float32).view(16, 3) / 48,)
    fit(model, data, recipe, lambda m, b: m(b[0]).square().mean(), lambda _: {}, folder)
    return model.state_dict()


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = _fit(tmp_path / "whole", 2)
    (tmp_path / "whole" / "last.pt").rename(tmp_path / "last.pt")
    (tmp_path / "again").mkdir()
    (tmp_path / "last.pt").rename(tmp_path / "again" / "last.pt")
    resumed = _fit(tmp_path / "again", 2)  # finished already: nothing is trained again
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    _fit(tmp_path, 8)
    rows = (tmp_path / "curve.csv").read_text().split()
    first, last = (float(row.split(",")[1]) for row in (rows[1], rows[-1]))
    assert last < first
