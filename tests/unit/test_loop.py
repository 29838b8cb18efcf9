"""One loop: the same result however often it was stopped, and however many processes share it."""

import csv
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training import checkpoint
from training.loop import Recipe, Subject, fit

RECIPE = Recipe(3, 4, 1e-2, 0.01, 0.1, 16, seed=1, precision="float32", average=0.5)
DATA = (torch.arange(48, dtype=torch.float32).view(16, 3) / 48, torch.arange(16.0) / 16)
Figures = dict[str, float]


class Stopped(Exception):
    """The machine went away."""


def network(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
    )


def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return (model(batch[0])[:, 0] - batch[1]).square().mean()


def trained(
    folder: Path,
    recipe: Recipe = RECIPE,
    score: Callable[[torch.nn.Module], Figures] = lambda _: {},
    subject: Subject | None = None,
) -> dict[str, torch.Tensor]:
    model = network()
    fit(model, DATA, recipe, loss, score, folder, subject=subject)
    return model.state_dict()


def stops_at(epoch: int) -> Callable[[torch.nn.Module], Figures]:
    left = [epoch]

    def score(_: torch.nn.Module) -> Figures:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return {"left": float(left[0])}

    return score


def test_a_resumed_run_ends_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole")
    with pytest.raises(Stopped):
        trained(tmp_path / "stopped", score=stops_at(1))
    resumed = trained(tmp_path / "stopped", score=stops_at(9))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_says_what_it_is_of(tmp_path: Path) -> None:
    trained(tmp_path, subject=Subject({"network": {"dims": (1, 2)}}))
    state = torch.load(tmp_path / checkpoint.LAST, weights_only=True)
    assert state["recipe"]["seed"] == 1
    assert state["preprocess"].startswith("sha256:")
    assert state["configuration"] == {"network": {"dims": (1, 2)}}


@pytest.mark.parametrize(
    ("recipe", "configuration", "message"),
    [
        (replace(RECIPE, seed=2), {"loss": "mse"}, "another recipe"),
        (RECIPE, {"loss": "mae"}, "another configuration"),
    ],
)
def test_another_run_is_not_taken_up(
    recipe: Recipe, configuration: dict[str, object], message: str, tmp_path: Path
) -> None:
    trained(tmp_path, subject=Subject({"loss": "mse"}))
    with pytest.raises(ValueError, match=message):
        trained(tmp_path, recipe, subject=Subject(configuration))


def test_checkpoints_that_say_nothing_are_not_taken_for_configured_ones(tmp_path: Path) -> None:
    trained(tmp_path)
    state = torch.load(tmp_path / checkpoint.LAST, weights_only=True)
    old = {name: value for name, value in state.items() if name != "configuration"}
    torch.save(old, tmp_path / checkpoint.LAST)
    trained(tmp_path)
    with pytest.raises(ValueError, match="another configuration"):
        trained(tmp_path, subject=Subject({"loss": "mse"}))


def test_a_run_leaves_a_table_and_a_picture(tmp_path: Path) -> None:
    trained(tmp_path, score=lambda _: {"accuracy": 0.5})
    with (tmp_path / "curve.csv").open(newline="") as rows:
        table = list(csv.DictReader(rows))
    assert [row["epoch"] for row in table] == ["0", "1", "2"]
    assert {row["accuracy"] for row in table} == {"0.5"}
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_learnt_before_moves_less_at_first(tmp_path: Path) -> None:
    """Four steps: in the first the carried layer has a hundredth of its rate."""
    before = network().state_dict()
    after = trained(
        tmp_path,
        replace(RECIPE, epochs=1, gentle=0.01, average=0.0, warmup=0.0),
        subject=Subject(carried=("0.weight",)),
    )
    plain = trained(tmp_path / "plain", replace(RECIPE, epochs=1, average=0.0, warmup=0.0))

    def moved(state: dict[str, torch.Tensor]) -> float:
        return float((state["0.weight"] - before["0.weight"]).abs().mean())

    assert moved(after) < moved(plain)


def test_too_few_samples_for_a_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 samples make no batch of 32"):
        trained(tmp_path, replace(RECIPE, batch_size=32))


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(tmp_path: Path) -> None:
    unknown = (DATA[0], torch.full_like(DATA[1], torch.nan))
    with pytest.raises(FloatingPointError, match="epoch 0"):
        fit(network(), unknown, RECIPE, loss, lambda _: {}, tmp_path)
    assert not (tmp_path / checkpoint.LAST).exists()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_here_too(precision: str, tmp_path: Path) -> None:
    state = trained(tmp_path, replace(RECIPE, precision=precision))
    assert all(value.isfinite().all() for value in state.values())


SCRIPT = """
import sys
from pathlib import Path
import torch
from training.distributed import joined
from training.loop import Recipe, fit

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.GELU(), torch.nn.Linear(8, 1))
data = (torch.arange(48, dtype=torch.float32).view(16, 3) / 48, torch.arange(16.0) / 16)
recipe = Recipe(2, 4, 1e-2, 0.01, 0.1, 16, seed=1, precision="float32")

def loss(model, batch):
    return (model(batch[0])[:, 0] - batch[1]).square().mean()

with joined() as team:
    fit(model, data, recipe, loss, lambda _: {"processes": team.size}, Path(sys.argv[1]))
"""


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([sys.executable, *torchrun, str(script), str(tmp_path / "two")], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), str(tmp_path / "one")])
        runpy.run_path(str(script))
    one, two = (
        torch.load(tmp_path / name / checkpoint.LAST, weights_only=True)["model"]
        for name in ("one", "two")
    )
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)
    rows = (tmp_path / "two" / "curve.csv").read_text().splitlines()
    assert len(rows) == 3
    assert rows[-1].endswith(",2")
