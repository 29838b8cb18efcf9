"""One readable training loop for every network here."""

import csv
import math
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

Batch = tuple[Tensor, ...]
Loss = Callable[[nn.Module, Batch], Tensor]
Score = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast; read from `training/configs/<name>.toml`."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    """Share of all steps over which the rate rises to its peak before the cosine falls."""
    samples: int
    """Training samples drawn from the generator."""
    seed: int
    clip_norm: float = 1.0
    bfloat16: bool = True
    average: float = 0.0
    """Share of the running mean of the weights that each step keeps; 0 is no averaging."""

    @classmethod
    def load(cls, file: Path) -> "Recipe":
        """Read a TOML file; unknown keys are errors."""
        return cls(**tomllib.loads(file.read_text()))


@dataclass(frozen=True, slots=True)
class Run:
    """What training changes, as one thing that can be saved and taken up again."""

    model: nn.Module
    average: AveragedModel
    """Its running mean, which is what is judged and kept."""
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR

    @classmethod
    def start(cls, model: nn.Module, recipe: Recipe, steps: int) -> "Run":
        """AdamW under a warm-up and cosine schedule."""
        optimiser = torch.optim.AdamW(
            model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: _rate(step, steps, recipe)
        )
        average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True
        )
        return cls(model, average, optimiser, schedule)

    def resume(self, file: Path) -> int:
        """Take up a checkpoint if there is one; the epoch to go on with."""
        if not file.exists():
            return 0
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["raw"])
        self.average.module.load_state_dict(state["model"])
        self.average.n_averaged.fill_(1)
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        return int(state["epoch"]) + 1

    def save(self, file: Path, epoch: int, recipe: Recipe) -> None:
        """Write whole, then rename: an interrupted run keeps the checkpoint before."""
        partial = file.with_suffix(".partial")
        state = {
            "model": self.average.module.state_dict(),
            "raw": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epoch": epoch,
            "recipe": asdict(recipe),
        }
        torch.save(state, partial)
        partial.replace(file)

    def step(self, loss: Tensor, clip_norm: float) -> None:
        """One optimiser step down the gradient of `loss`."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), clip_norm)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.model)


def fit(
    model: nn.Module, data: Batch, recipe: Recipe, loss: Loss, score: Score, folder: Path
) -> None:
    """Train in place. `data` are tensors with one row per sample; validation is only logged.

    The last epoch is kept: nothing is chosen on validation or test scores. A checkpoint with
    optimiser state is written after every epoch, and a run found in `folder` is taken up again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    steps = recipe.epochs * (len(data[0]) // recipe.batch_size)
    run = Run.start(model, recipe, steps)
    for epoch in range(run.resume(folder / "last.pt"), recipe.epochs):
        started = time.monotonic()
        mean = _epoch(run, data, recipe, loss, epoch)
        figures = score(run.average.module)
        row = {"epoch": epoch, "loss": mean, "seconds": time.monotonic() - started, **figures}
        _log(folder / "curve.csv", row)
        run.save(folder / "last.pt", epoch, recipe)
    model.load_state_dict(run.average.module.state_dict())


def _epoch(run: Run, data: Batch, recipe: Recipe, loss: Loss, epoch: int) -> float:
    """One pass over the data in a fresh order; mean loss."""
    torch.manual_seed(recipe.seed * 1000 + epoch)
    run.model.train()
    total = 0.0
    batches = list(_batches(len(data[0]), recipe, epoch))
    for rows in tqdm(batches, desc=f"epoch {epoch}", mininterval=5.0):
        batch = tuple(tensor[rows] for tensor in data)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            value = loss(run.model, batch)
        run.step(value, recipe.clip_norm)
        total += float(value.detach())
    return total / len(batches)


def _batches(count: int, recipe: Recipe, epoch: int) -> Iterator[Tensor]:
    """Row indices of each batch; the order depends on seed and epoch alone."""
    order = np.random.default_rng([recipe.seed, epoch]).permutation(count)
    for start in range(0, count - recipe.batch_size + 1, recipe.batch_size):
        yield torch.from_numpy(order[start : start + recipe.batch_size])


def _rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then cosine to a hundredth."""
    warm = max(1, round(recipe.warmup * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def _log(file: Path, row: dict[str, float]) -> None:
    new = not file.exists()
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, list(row))
        if new:
            writer.writeheader()
        writer.writerow({key: round(value, 5) for key, value in row.items()})
