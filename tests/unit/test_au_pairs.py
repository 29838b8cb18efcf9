from pathlib import Path

import pytest
import torch

from training import au_task
from training.au_pairs import prepared, shown, with_flow
from training.loop import Batch, Recipe
from training.models.au import AUNet
from training.models.flow import flow
from worker.specs import AU_COUNT, CROP_SIZE


@pytest.fixture
def pairs() -> Batch:
    """Eight smooth pictures against shifted ones; the change grows with the shift."""
    torch.manual_seed(0)
    coarse = torch.randn(8, 1, 14, 14)
    pictures = torch.nn.functional.interpolate(coarse, size=(CROP_SIZE, CROP_SIZE), mode="bicubic")
    reference = (128 + 40 * pictures[:, 0]).clamp(0, 255).to(torch.uint8)
    steps = torch.arange(8) - 4
    current = torch.stack([r.roll(int(s), 1) for r, s in zip(reference, steps, strict=True)])
    change = (steps / 2.0).view(8, 1, 1).expand(8, 2, AU_COUNT).clone()
    change[:, 1] *= 0.5
    return reference, current, change


def test_pairs_keep_their_form_under_nuisance(pairs: Batch) -> None:
    reference, current, change = prepared(pairs)
    assert reference.shape == current.shape == pairs[0].shape
    assert reference.dtype == current.dtype == torch.uint8
    assert change.shape == pairs[2].shape


def test_a_stilled_pair_has_no_change(pairs: Batch) -> None:
    many = tuple(torch.cat([tensor] * 8) for tensor in pairs)
    _, _, change = prepared(many)
    moved = many[2].abs().amax(dim=(1, 2)) > 0
    stilled = moved & (change.abs().amax(dim=(1, 2)) == 0)
    assert 0 < stilled.sum() < moved.sum()


def test_turned_flow_is_the_flow_of_turned_pictures(pairs: Batch) -> None:
    reference, current, _, known = shown(with_flow(pairs))
    again = with_flow((reference, current, torch.zeros(8)))[3].float()
    assert torch.allclose(known, again, atol=0.02)


def test_sides_and_sign_follow_the_picture(pairs: Batch) -> None:
    reference, current, change = shown(pairs)
    motion, _ = flow(reference[:, None].float() / 60, current[:, None].float() / 60)
    mirrored = (change[:, 0].abs() < change[:, 1].abs()).any(dim=1)
    moved_right = motion[:, 0, 8:20, 8:20].mean(dim=(1, 2)) * torch.where(mirrored, -1, 1)
    still = change.abs().amax(dim=(1, 2)) == 0
    assert (moved_right[~still].sign() == change[~still].mean(dim=(1, 2)).sign()).all()


def test_training_goes_through_to_a_checkpoint(pairs: Batch, tmp_path: Path) -> None:
    recipe = Recipe(1, 4, 1e-3, 0.0, 0.1, 8, seed=1, average=0.9)
    au_task.fit_pairs(AUNet(), with_flow(pairs), recipe, tmp_path, pairs)
    assert (tmp_path / "last.pt").is_file()
    assert "pearson" in (tmp_path / "curve.csv").read_text()
