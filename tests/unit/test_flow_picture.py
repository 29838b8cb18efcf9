"""Clips as pictures of flow, in preprocessing and in training alike."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from training import flow_batch
from training.clip_task import answers, teach
from training.experiment import Experiment
from training.flow_task import centred, prepared
from training.losses import LossConfig
from training.models.msjfn import MSJFN, MSJFNConfig, Verdicts
from training.recipe import Recipe
from training.size import measure_network
from training.train import CONFIGS
from worker.domain import Image
from worker.preprocess.flow_picture import flow_picture
from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

SIDE = 28
NETWORK = MSJFNConfig(width=4, joint=4, side=SIDE, classes=len(LABELS))
RECIPE = Recipe(1, 4, 1e-3, 0.0, 0.1, samples=8, seed=1, precision="float32")


def rising(pixels: float, apex: int = 8, frames: int = CLIP_FRAMES) -> Image:
    """A pattern whose middle moves up by so many pixels until the apex, then back."""
    rows, columns = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float64)
    near = np.exp(-((rows - 56) ** 2 + (columns - 56) ** 2) / 400)
    crops = []
    for time in range(frames):
        high = pixels * max(0.0, 1 - abs(time - apex) / apex)
        gray = 128 + 60 * np.sin((rows + high * near) / 4) * np.cos(columns / 6)
        crops.append(np.stack([gray] * 3))
    return np.stack(crops).round().clip(0, 255).astype(np.uint8)


def test_what_rises_is_dark_in_the_middle_of_the_second_plane() -> None:
    picture = flow_picture(rising(2.0), SIDE)

    assert (picture.shape, picture.dtype) == ((3, SIDE, SIDE), np.uint8)
    assert picture[1, 12:16, 12:16].mean() < 30
    assert picture[1, :4].mean() > 200


def test_the_offset_counts_for_nothing() -> None:
    crops = rising(2.0)
    there, back = flow_picture(crops[:10], SIDE), flow_picture(crops, SIDE)
    assert (there == back).all()


@pytest.mark.parametrize("frames", [1, 2, 3, CLIP_FRAMES])
def test_a_still_face_makes_an_empty_picture(frames: int) -> None:
    still = np.repeat(rising(0.0)[:1], frames, axis=0)
    assert not flow_picture(still, SIDE).any()


def test_an_event_of_two_frames_has_a_picture() -> None:
    assert flow_picture(rising(2.0)[[0, 8]], SIDE).any()


def clips(count: int) -> tuple[torch.Tensor, ...]:
    """Gray crops that rise or fall by label."""
    label = torch.arange(count) % 2
    crops = [rising(2.0 if one else -2.0)[:, 0] for one in label]
    unread = torch.zeros(count, CLIP_FRAMES, 1, 1)
    return torch.from_numpy(np.stack(crops)), unread, unread, label


def test_training_sees_what_is_served() -> None:
    crops, *_, label = seen = clips(2)

    pictures, *_, same = flow_batch.flowed(seen, SIDE)

    assert same is label
    for clip, picture in zip(crops.numpy(), pictures.numpy(), strict=True):
        assert (picture == flow_picture(np.repeat(clip[:, None], 3, axis=1), SIDE)).all()


def test_pictures_are_centred_in_a_graph_as_in_arrays() -> None:
    pictures = torch.randint(0, 256, (3, 3, 9, 9), dtype=torch.uint8)
    last = pictures.permute(0, 2, 3, 1).contiguous().numpy()
    assert torch.equal(centred(pictures), prepared(last))
    assert centred(pictures)[:, :2].flatten(2).median(dim=2).values.abs().max() == 0


def test_every_verdict_counts() -> None:
    class Fixed(nn.Module):
        def forward(self, pictures: torch.Tensor) -> Verdicts:
            right, even = 9 * torch.eye(2), torch.zeros(len(pictures), 2)
            return Verdicts(right, (even, even))

    batch = (torch.zeros(2, 3, 9, 9, dtype=torch.uint8), *clips(2)[1:])
    assert flow_batch.loss(Fixed(), batch).item() == pytest.approx(2 * np.log(2), abs=1e-3)


def test_msjfn_is_taught_and_asked_with_clips(tmp_path: Path) -> None:
    experiment = Experiment(NETWORK, LossConfig(focus=0.0), RECIPE)

    network = teach(experiment, clips(8), tmp_path, clips(2))

    assert isinstance(network, MSJFN)
    assert answers(network, clips(3)).exp().sum(dim=1).tolist() == pytest.approx([1] * 3)
    assert (tmp_path / "last.pt").is_file()


def test_the_recipe_is_of_msjfn_over_all_labels() -> None:
    network = Experiment.load(CONFIGS / "msjfn.toml").network
    assert isinstance(network, MSJFNConfig)
    assert network.classes == len(LABELS)
    assert measure_network(network)["mmacs"] < 100


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown in"):
        Experiment.parse({"network": {"joint": 4, "depths": 3}})
