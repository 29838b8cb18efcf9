import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.experiment import Experiment
from training.losses import LossConfig, balanced, focal, frequency, total
from training.losses.terms import AUTerms, au_loss
from training.models.madvnet import MADVNetOutput
from training.recipe import SCRATCH


def _logits(*rows: tuple[float, ...]) -> torch.Tensor:
    """Logits whose softmax are these probabilities."""
    return torch.tensor(rows, dtype=torch.float64).log()


_ROWS = ((0.5, 0.25, 0.25), (0.1, 0.8, 0.1))
_LABEL = torch.tensor([0, 1])


def test_focal_loss_is_equation_19() -> None:
    by_hand = (0.5**2 * -math.log(0.5) + 0.2**2 * -math.log(0.8)) / 2
    assert focal(_logits(*_ROWS), _LABEL, 2.0).item() == pytest.approx(by_hand)


def test_focal_loss_weighs_the_true_class() -> None:
    weights = torch.tensor([0.5, 2.0, 7.0])
    by_hand = (0.5 * 0.5 * -math.log(0.5) + 2 * 0.2 * -math.log(0.8)) / 2
    assert focal(_logits(*_ROWS), _LABEL, 1.0, weights).item() == pytest.approx(by_hand)


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    logits = _logits(*_ROWS)
    expected = torch.nn.functional.cross_entropy(logits, _LABEL).item()
    assert focal(logits, _LABEL, 0.0).item() == pytest.approx(expected)


def test_focal_loss_of_a_hopeless_answer_is_finite() -> None:
    logits = torch.tensor([[-200.0, 200.0]], requires_grad=True)
    for label in (0, 1):
        loss = focal(logits, torch.tensor([label]), 2.0)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_class_weights_are_inverse_to_the_counts() -> None:
    assert balanced([10, 20, 40]).tolist() == pytest.approx([12 / 7, 6 / 7, 3 / 7])
    assert balanced([3, 0]).tolist() == [2, 0]
    with pytest.raises(ValueError, match="no class"):
        balanced([0, 0])


def test_frequency_loss_is_equations_20_to_23() -> None:
    bands = torch.stack([_logits(row, row, _ROWS[0]) for row in _ROWS])  # [B, 3, C]
    low = (-math.log(0.5) - math.log(0.8)) / 2
    high = (-math.log(0.5) - math.log(0.25)) / 2
    by_hand = 0.2 * low + 0.3 * low + 0.5 * high
    assert frequency(bands, _LABEL, (0.2, 0.3, 0.5)).item() == pytest.approx(by_hand)


def _au_terms(compression: torch.Tensor) -> AUTerms:
    logits = torch.zeros(2, 4, dtype=torch.float64)
    logits[0, 0] = 2.0
    return AUTerms(logits, compression, torch.tensor([0.25, 9.0]), torch.tensor([True, True]))


def _bernoulli(logits: list[float], label: int) -> float:
    terms = [math.log1p(math.exp(-z if c == label else z)) for c, z in enumerate(logits)]
    return sum(terms) / len(terms)


def test_au_loss_is_equations_9_to_12() -> None:
    terms = _au_terms(torch.tensor([3.0, 5.0]))
    first = _bernoulli([2, 0, 0, 0], 0) + 0.1 * 3 + 0.25
    second = _bernoulli([0, 0, 0, 0], 1) + 0.1 * 5 + 9
    assert au_loss(terms, _LABEL, 0.1).item() == pytest.approx((first + second) / 2)


def test_clips_without_aus_take_no_part_in_the_au_loss() -> None:
    terms = replace(_au_terms(torch.tensor(3.0)), known=torch.tensor([True, False]))
    by_hand = _bernoulli([2, 0, 0, 0], 0) + 0.1 * 3 + 0.25
    assert au_loss(terms, _LABEL, 0.1).item() == pytest.approx(by_hand)
    nothing = replace(terms, known=torch.tensor([False, False]))
    assert au_loss(nothing, _LABEL, 0.1).item() == 0


def _output() -> MADVNetOutput:
    logits = _logits(*_ROWS).float()
    bands = torch.stack([logits, logits, logits], dim=1)
    one = torch.ones(2)
    gate = torch.full((2, 4), 0.25)
    return MADVNetOutput(
        logits, bands, torch.zeros(2, 3), gate, 4 * one, 2 * one, one.bool(), bands
    )


_FOCAL = (0.5**2 * -math.log(0.5) + 0.2**2 * -math.log(0.8)) / 2
_CROSS_ENTROPY = (-math.log(0.5) - math.log(0.8)) / 2


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LossConfig(beta=0.5), _FOCAL + _CROSS_ENTROPY + math.log(2) + 0.5 * 4 + 2),
        (LossConfig(au="bce"), _FOCAL + _CROSS_ENTROPY + math.log(2)),
        (LossConfig(au="off"), _FOCAL + _CROSS_ENTROPY),
        (LossConfig(au="off", frequency=(0, 0, 0)), _FOCAL),
        (LossConfig(au="off", multiclass=0, frequency=(0, 2, 1)), 3 * _CROSS_ENTROPY),
        (LossConfig(au="bce", action_units=3, multiclass=2, frequency=(0, 0, 0)),
         2 * _FOCAL + 3 * math.log(2)),
        (LossConfig(au="off", focus=0, frequency=(0, 0, 0), class_weights=(1, 0, 1)),
         -math.log(0.5) / 2),
    ],
)  # fmt: skip
def test_total_is_equation_18(config: LossConfig, expected: float) -> None:
    assert total(_output(), _LABEL, config).item() == pytest.approx(expected, rel=1e-5)


def test_an_experiment_is_read_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "variant.toml"
    file.write_text(
        'task = "recognise"\n[recipe]\nepochs = 6\n'
        '[network]\nsize = "xs"\nbottleneck = "eq8"\nheads = [4, 4, 4]\n'
        '[loss]\nau = "eq8"\nfrequency = [0, 0.5, 0.5]\n'
    )
    experiment = Experiment.load(file)
    assert experiment.network.dims == (48, 96, 192)
    assert experiment.network.heads == (4, 4, 4)
    assert experiment.loss == LossConfig(au="eq8", frequency=(0, 0.5, 0.5))
    assert experiment.recipe == replace(SCRATCH, epochs=6)
    assert Experiment.parse({}) == Experiment()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"loss": {"au": "eq8"}}, "bottleneck"),
        ({"loss": {"lambda": 2}}, "unknown in \\[loss\\]: lambda"),
        ({"loss": {"au": "cross"}}, "among vib"),
        ({"loss": {"beta": -1}}, "not negative"),
        ({"recipe": {"rate": 1}}, "unknown in \\[recipe\\]: rate"),
        ({"recipe": {"precision": "int8"}}, "precision must be among"),
        ({"epochs": 6}, "unknown in an experiment: epochs"),
        ({"task": "guess"}, "task must be among"),
        ({"task": "reconstruct", "network": {"peer": "c3d"}}, "only MADV-Net is pre-trained"),
        ({"network": {"peer": "c3d", "depth": 2}}, "unknown in \\[network\\]: depth"),
        ({"network": {"width": 2}}, "unknown in \\[network\\]: width"),
        ({"network": {"size": "xl"}}, "unknown in \\[network\\]: xl"),
    ],
)
def test_what_makes_no_experiment_is_refused(tables: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Experiment.parse(tables)
