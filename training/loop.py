"""One readable training loop for every network here, on one processor, one GPU or several."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from training import curve
from training.checkpoint import LAST, Run
from training.distributed import Team
from training.recipe import Recipe

__all__ = ["Batch", "Loss", "Recipe", "Score", "Subject", "fit"]

Batch = tuple[Tensor, ...]
Loss = Callable[[nn.Module, Batch], Tensor]
Score = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is trained beside how: goes into the checkpoint."""

    configuration: Mapping[str, object] = field(default_factory=dict)
    """Plain values that decide the outcome: network, loss, data."""
    carried: Sequence[str] = ()
    """Parameters that were trained before."""


def fit(  # noqa: PLR0913  # the six things a training is made of, and what it is called
    model: nn.Module,
    data: Batch,
    recipe: Recipe,
    loss: Loss,
    score: Score,
    folder: Path,
    *,
    subject: Subject | None = None,
) -> None:
    """Train in place. `data` are tensors with one row per sample; validation is only logged.

    The last epoch is kept: nothing is chosen on validation or test scores. A checkpoint with
    optimiser state is written after every epoch, and a run found in `folder` is taken up again,
    with the same result as if it had not stopped. Under `torchrun` each process takes its share of
    every batch. Raises ValueError where the folder holds another run, FloatingPointError where
    the loss is no number any more.
    """
    team, subject = Team.here(), subject or Subject()
    folder.mkdir(parents=True, exist_ok=True)
    model.to(team.device)
    batches = len(data[0]) // recipe.batch_size
    if batches == 0:
        raise ValueError(f"{len(data[0])} samples make no batch of {recipe.batch_size}")
    steps = recipe.epochs * batches
    run = Run.start(model, recipe, steps, subject.configuration, subject.carried)
    first = run.resume(folder / LAST)
    seen = team.wrapped(model)
    for epoch in range(first, recipe.epochs):
        started = time.monotonic()
        mean = _epoch(run, seen, data, recipe, loss, epoch)
        if team.leads:
            figures = score(run.average.module)
            row = {"epoch": epoch, "loss": mean, "seconds": time.monotonic() - started, **figures}
            curve.log(folder / curve.TABLE, row)
            run.save(folder / LAST, epoch)
        team.wait()
    if team.leads and first < recipe.epochs:
        curve.draw(folder / curve.TABLE, folder / curve.PICTURE)
    model.load_state_dict(run.average.module.state_dict())


def _epoch(run: Run, seen: nn.Module, data: Batch, recipe: Recipe, loss: Loss, epoch: int) -> float:
    """One pass over the data in a fresh order; mean loss. `seen` is the model, for all the team."""
    team = Team.here()
    torch.manual_seed(recipe.seed * 1000 + epoch + 1_000_000 * team.rank)
    seen.train()
    total = 0.0
    batches = list(_batches(len(data[0]), recipe, epoch))
    shown = tqdm(batches, desc=f"epoch {epoch}", mininterval=5.0, disable=not team.leads)
    for rows in shown:
        batch = tuple(tensor[team.share(rows)].to(team.device) for tensor in data)
        with _precision(recipe, team.device):
            value = loss(seen, batch)
        run.step(value, recipe.clip_norm)
        total += float(value.detach())
    mean = team.mean(total / len(batches))
    if not math.isfinite(mean):
        raise FloatingPointError(f"the loss of epoch {epoch} is {mean}")
    return mean


def _precision(recipe: Recipe, device: torch.device) -> torch.autocast:
    half = torch.float16 if recipe.precision == "float16" and device.type == "cuda" else None
    return torch.autocast(
        device.type, half or torch.bfloat16, enabled=recipe.precision != "float32"
    )


def _batches(count: int, recipe: Recipe, epoch: int) -> Iterator[Tensor]:
    """Row indices of each batch; the order depends on seed and epoch alone."""
    order = np.random.default_rng([recipe.seed, epoch]).permutation(count)
    for start in range(0, count - recipe.batch_size + 1, recipe.batch_size):
        yield torch.from_numpy(order[start : start + recipe.batch_size])
