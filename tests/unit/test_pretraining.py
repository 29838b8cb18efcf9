"""Masked video first, then labels: what is hidden, what is asked for, what is taken over."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.clip_task import answers, teach
from training.experiment import Experiment, build
from training.loop import Batch
from training.masked import Reconstructor, asked, tubes
from training.models.madvnet import MADVNet, MADVNetConfig
from training.recipe import Recipe
from training.transfer import take_over
from worker.specs import AU_COUNT

SMALL = MADVNetConfig(
    dims=(8, 8, 16),
    depths=(1, 1, 1),
    heads=(4, 4, 4),
    fusion_dim=8,
    au_hidden=8,
    frames=4,
    side=32,
)
RECIPE = Recipe(1, 4, 1e-3, 0.0, 0.1, 8, seed=1, precision="float32")


@pytest.fixture
def clips() -> Batch:
    torch.manual_seed(0)
    crops = torch.randint(0, 256, (8, 4, 32, 32), dtype=torch.uint8)
    depth = torch.rand(8, 4, 16, 16).half()
    return crops, depth, torch.rand(8, 4, 2, AU_COUNT), torch.arange(8)


def test_tubes_hide_three_quarters_of_every_picture() -> None:
    hidden = tubes(5, 14, torch.device("cpu"))
    assert hidden.shape == (5, 14, 14)
    assert hidden.float().mean(dim=(1, 2)).tolist() == pytest.approx([37 / 49] * 5)
    blocks = hidden.unflatten(1, (7, 2)).unflatten(3, (7, 2)).float().mean(dim=(2, 4))
    assert set(blocks.unique().tolist()) == {0.0, 1.0}


def test_what_is_asked_for_is_the_look_and_the_change() -> None:
    torch.manual_seed(0)
    video = torch.rand(1, 4, 1, 8, 8)
    video[:, 1] = video[:, 0] + 0.5
    video[:, 3] = video[:, 2] - 0.5
    wanted = asked(video, 4)
    assert wanted.shape == (1, 2, 2, 2, 32)
    assert wanted[..., :16].mean().item() == pytest.approx(0, abs=1e-5)
    signs = wanted[..., 16:].mean(dim=(2, 3, 4))[0]
    assert signs.tolist() == pytest.approx([1, -1], abs=0.01)


def test_hidden_places_do_not_show_in_the_guess() -> None:
    torch.manual_seed(0)
    filler = Reconstructor(MADVNet(SMALL)).eval()
    crops = torch.randint(0, 256, (1, 4, 1, 32, 32), dtype=torch.uint8)
    depth, hidden = torch.rand(1, 4, 1, 32, 32), torch.zeros(1, 4, 4, dtype=torch.bool)
    hidden[:, :2] = True
    other = crops.clone()
    other[..., :16, :] = other[..., :16, :].flip(-1)  # hidden, and of the same mean
    assert torch.allclose(filler(crops, depth, hidden), filler(other, depth, hidden), atol=1e-5)
    seen = torch.zeros_like(hidden)
    assert not torch.allclose(filler(crops, depth, seen), filler(other, depth, seen), atol=1e-5)


def test_pretraining_then_fine_tuning_on_other_classes(clips: Batch, tmp_path: Path) -> None:
    teach(Experiment(SMALL, recipe=RECIPE, task="reconstruct"), clips, tmp_path / "masked")
    start = str(tmp_path / "masked" / "last.pt")
    three = replace(SMALL, classes=3)
    labels = (*clips[:3], clips[3] % 3)
    fine = Experiment(three, recipe=replace(RECIPE, gentle=0.1), start=start)
    network = teach(fine, labels, tmp_path / "fine", labels)
    assert answers(network, labels).shape == (8, 3)


@pytest.mark.parametrize("classes", [8, 3])
def test_heads_are_made_anew_and_the_rest_is_taken_over(classes: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    old = MADVNet(SMALL)
    torch.save({"model": old.state_dict()}, tmp_path / "old.pt")
    new = build(replace(SMALL, classes=classes))
    carried = take_over(new, tmp_path / "old.pt")
    fresh = {name for name, _ in new.named_parameters()} - set(carried)
    assert fresh == {
        f"{head}.{kind}"
        for head in ("classifier", "au_encoder.logits", *(f"heads.{n}.logits" for n in range(3)))
        for kind in ("weight", "bias")
    }
    assert all(torch.equal(new.state_dict()[name], old.state_dict()[name]) for name in carried)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    torch.save({"model": {"other": torch.zeros(1)}}, tmp_path / "old.pt")
    with pytest.raises(ValueError, match="no weights for this network"):
        take_over(build(SMALL), tmp_path / "old.pt")
