from collections.abc import Callable

import pytest
import torch

from training.models.au import REGIONS, AUNet, FrameAUNet
from training.models.au_evidence import Correlation, Flow, Siamese
from worker.specs import AU_COUNT, AU_NUMBERS, CROP_SIZE

VARIANTS: dict[str, Callable[[], torch.nn.Module]] = {
    "siamese": lambda: AUNet(Siamese()),
    "correlation": lambda: AUNet(Correlation()),
    "flow": lambda: AUNet(Flow()),
    "frame": FrameAUNet,
}


@pytest.fixture(params=VARIANTS)
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    variant: str = request.param
    return VARIANTS[variant]().eval()


def _crops(count: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(20, 100, (count, 1, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)


def test_exchanging_reference_and_current_negates_the_change(network: torch.nn.Module) -> None:
    one, other = _crops(2).split(1)
    there = network(one, other)
    assert there.shape == (1, 2, AU_COUNT)
    assert there.abs().max() > 0
    assert torch.allclose(there, -network(other, one), atol=1e-5)


def test_a_crop_against_itself_shows_no_change(network: torch.nn.Module) -> None:
    crop = _crops(1)
    assert network(crop, crop).abs().max() < 1e-6


def test_one_reference_serves_many_crops(network: torch.nn.Module) -> None:
    crops = _crops(3)
    together = network(crops, crops[:1])
    alone = torch.cat([network(crop, crops[:1]) for crop in crops.split(1)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_gain_and_offset_of_the_light_do_not_matter() -> None:
    torch.manual_seed(0)
    network = AUNet().eval()
    now, rest = _crops(2).split(1)
    assert torch.allclose(network(now, rest), network(2 * now + 30, rest), atol=0.02)


def test_brows_do_not_depend_on_the_mouth() -> None:
    torch.manual_seed(0)
    network = AUNet(Siamese()).eval()
    upper, lower = REGIONS
    crop = _crops(1)
    rest, moved = crop.clone(), crop.clone()
    moved[..., upper.rows[1] :, :] = rest[..., upper.rows[1] :, :].flip(-1)
    change = network(moved, rest)
    assert change[..., upper.columns].abs().max() < 1e-6
    assert change[..., lower.columns].abs().max() > 0


def test_regions_share_out_every_unit() -> None:
    units = sorted(unit for region in REGIONS for unit in region.units)
    assert units == sorted(AU_NUMBERS)
