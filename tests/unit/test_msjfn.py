import pytest
import torch

from training.flow_task import NETWORK, Schedule, asked, fresh, mirrored, prepared, taught
from training.models.msjfn import MSJFN, MSJFNConfig, joint_loss

SMALL = MSJFNConfig(width=4, joint=4)


@pytest.mark.parametrize(
    "config", [NETWORK, MSJFNConfig(width=4, joint=4, side=112, cells=28, classes=8)]
)
def test_verdicts_have_one_logit_a_class(config: MSJFNConfig) -> None:
    verdicts = MSJFN(config).eval()(torch.randn(2, 3, config.side, config.side))
    assert verdicts.fused.shape == (2, config.classes)
    assert len(verdicts.single) == 4


def test_the_fused_verdict_is_the_sum_of_backbone_and_three_modules() -> None:
    verdicts = MSJFN(SMALL).eval()(torch.randn(3, 3, 28, 28))
    assert torch.allclose(verdicts.fused, sum(verdicts.single, torch.zeros(3, 3)), atol=1e-6)


def test_every_part_learns() -> None:
    network = MSJFN(SMALL)
    joint_loss(network(torch.randn(4, 3, 28, 28)), torch.tensor([0, 1, 2, 0])).backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert not still


def test_a_side_that_cells_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        MSJFNConfig(side=30)


def test_prepared_pictures_forget_how_they_were_stretched() -> None:
    torch.manual_seed(0)
    picture = torch.randint(40, 90, (1, 28, 28, 3), dtype=torch.uint8).numpy()
    brighter = (picture * 2 + 30).astype("uint8")
    one, other = prepared(picture), prepared(brighter)
    assert torch.allclose(one[:, :2], other[:, :2], atol=0.1)
    assert one[:, :2].flatten(2).median(dim=2).values.abs().max() < 0.05


def test_mirroring_turns_sideways_motion_and_is_its_own_inverse() -> None:
    pictures = torch.randn(2, 3, 28, 28)
    assert torch.equal(mirrored(mirrored(pictures)), pictures)
    assert torch.equal(mirrored(pictures)[:, 0], -pictures[:, 0].flip(-1))


def test_it_learns_where_something_moves() -> None:
    torch.manual_seed(1)
    pictures, labels = 0.1 * torch.randn(48, 3, 28, 28), torch.arange(48) % 3
    for row, label in enumerate(labels.tolist()):
        pictures[row, 1, 2 + 9 * label : 8 + 9 * label, 6:22] += 3
    network = taught(fresh(0, SMALL), pictures, labels, Schedule(6, 1e-2, batch_size=12), seed=0)
    assert (asked(network, pictures).argmax(dim=1) == labels).float().mean() > 0.9


def test_teaching_follows_from_the_seed() -> None:
    pictures, labels = torch.randn(16, 3, 28, 28), torch.arange(16) % 3
    schedule = Schedule(1, 1e-3, batch_size=8)
    one, again = (asked(taught(fresh(3, SMALL), pictures, labels, schedule, 3), pictures)
                  for _ in range(2))  # fmt: skip
    assert torch.equal(one, again)
