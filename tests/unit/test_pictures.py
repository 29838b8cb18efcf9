"""Networks of motion pictures: sizes, what goes into them, how they are configured and trained."""

from pathlib import Path

import pytest
import torch

from training.clip_task import answers, teach
from training.experiment import Experiment, build
from training.loop import Batch
from training.losses import LossConfig
from training.models.pictures import PictureConfig
from training.picture_batch import pictured
from training.recipe import Recipe
from training.size import measure_network
from training.train import CONFIGS
from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

LEARNET = PictureConfig(("learnet",))
AFFECTIVENET = PictureConfig(("affective-motion",), "affectivenet")
AFN = PictureConfig(("trdi", "midi"), "afn")
SMALL = 32
RECIPE = Recipe(1, 4, 1e-3, 0.0, 0.1, samples=8, seed=1, precision="float32")


def test_learnet_has_its_published_size() -> None:
    size = measure_network(PictureConfig(("learnet",), channels=3))

    assert size["parameters_m"] == 1.867
    assert size["mmacs"] == pytest.approx(26, abs=0.5)


@pytest.mark.parametrize(
    ("config", "least", "most"),
    [(AFFECTIVENET, 0.6, 1.0), (AFN, 3.7, 3.9)],
    ids=["affective", "afn"],
)
def test_reconstructions_have_the_intended_sizes(
    config: PictureConfig, least: float, most: float
) -> None:
    assert least < measure_network(config)["parameters_m"] < most


@pytest.mark.parametrize(
    "config",
    [
        PictureConfig(("trdi",), "learnet", side=SMALL, classes=3),
        PictureConfig(("affective-motion",), "affectivenet", side=SMALL, classes=3),
        *(
            PictureConfig(("trdi", "midi"), "afn", fusion, side=SMALL, classes=3)
            for fusion in ("gate", "concat", "sum")
        ),
    ],
    ids=["learnet", "affectivenet", "gate", "concat", "sum"],
)
def test_every_parameter_learns_and_scale_says_nothing(config: PictureConfig) -> None:
    torch.manual_seed(0)
    network = build(config)
    pictures = torch.randint(0, 120, (3, len(config.pictures), 1, SMALL, SMALL), dtype=torch.uint8)

    logits = network(pictures)
    logits.logsumexp(dim=1).sum().backward()

    assert logits.shape == (3, 3)
    assert all(weight.grad is not None for weight in network.parameters())
    network.eval()
    assert torch.allclose(network(2 * pictures + 10), network(pictures), atol=0.05)


def test_the_gate_weighs_what_the_branches_say() -> None:
    network = build(PictureConfig(("trdi", "midi"), "afn", side=SMALL)).eval()
    gate = network.body.gate
    pictures = torch.randint(0, 256, (2, 2, 1, SMALL, SMALL), dtype=torch.uint8)
    other = torch.stack([pictures[:, 0], pictures[:, 1].flip(-1)], dim=1)
    torch.nn.init.zeros_(gate.weight)

    torch.nn.init.constant_(gate.bias, 50)
    assert torch.allclose(network(pictures), network(other))
    torch.nn.init.constant_(gate.bias, 0)
    assert not torch.allclose(network(pictures), network(other))


@pytest.mark.parametrize(
    "table",
    [
        {"pictures": ["trdi"], "kind": "afn"},
        {"pictures": ["trdi", "midi"], "kind": "learnet"},
        {"pictures": ["portrait"]},
        {"pictures": ["trdi"], "kind": "nobody"},
        {"pictures": ["trdi"], "depths": 3},
    ],
)
def test_what_does_not_go_together_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"picture|kind|unknown"):
        Experiment.parse({"network": table})


@pytest.mark.parametrize(
    ("name", "config"), [("learnet", LEARNET), ("affectivenet", AFFECTIVENET), ("afn", AFN)]
)
def test_recipes_name_their_network(name: str, config: PictureConfig) -> None:
    assert Experiment.load(CONFIGS / f"{name}.toml").network == config


def clips(count: int) -> Batch:
    """Faces on which one of two places brightens, by label."""
    generator = torch.Generator().manual_seed(4)
    shape = (count, 1, CROP_SIZE, CROP_SIZE)
    face = torch.randint(40, 160, shape, dtype=torch.uint8, generator=generator)
    crops = face.repeat(1, CLIP_FRAMES, 1, 1)
    label = torch.arange(count) % 2
    for row in range(count):
        top = 20 + 50 * int(label[row])
        crops[row, 4:, top : top + 16, 40:70] += 60
    unread = torch.zeros(count, CLIP_FRAMES, 1, 1)
    return crops, unread, unread, label


def test_pictures_stand_in_for_frames() -> None:
    crops, *_, label = seen = clips(2)

    pictures, *_, same = pictured(seen, AFN)

    assert (pictures.shape, pictures.dtype) == ((2, 2, CROP_SIZE, CROP_SIZE), torch.uint8)
    assert same is label
    # Nothing but what brightens is left of the face.
    assert (pictures[0, 0, 25:30, 45:65] == 255).all()
    assert pictures[0, 0, 70:].float().std() < 1 < crops[0, 0, 70:].float().std()


def test_a_network_of_pictures_is_taught_and_asked_with_clips(tmp_path: Path) -> None:
    experiment = Experiment(PictureConfig(("trdi",)), LossConfig(focus=0.0), RECIPE)

    network = teach(experiment, clips(8), tmp_path, clips(2))

    assert answers(network, clips(3)).shape == (3, len(LABELS))
    assert (tmp_path / "last.pt").is_file()
