"""What the AU network learns, and how it is judged while it does."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.loop import Batch, Recipe, fit
from training.metrics import pearson
from training.models.au import AUNet
from training.pairs_store import load_pairs

_VALIDATION = 1500


def train(recipe: Recipe, runs: Path) -> None:
    """Train `runs/au/last.pt`."""
    pairs = load_pairs(runs / "data", "train", recipe.samples)
    data = tuple(torch.from_numpy(a) for a in (pairs.reference, pairs.current, pairs.change))
    validation = load_pairs(runs / "data", "validation", _VALIDATION)
    weight = 1 / data[2].square().mean(dim=(0, 1))
    held_out = tuple(
        torch.from_numpy(a) for a in (validation.reference, validation.current, validation.change)
    )
    model = AUNet()
    fit(
        model,
        data,
        recipe,
        lambda m, b: _loss(m, b, weight),
        lambda m: score(m, held_out),
        runs / "au",
    )


def _loss(model: nn.Module, batch: Batch, weight: Tensor) -> Tensor:
    """Squared error over each AU's variance: without the weight sparse AUs stay at zero."""
    reference, current, change = _mirrored(batch)
    estimate = model(current[:, None], reference[:, None]).float()
    return (weight * (estimate - change).square()).mean()


def _mirrored(batch: Batch) -> Batch:
    """Mirror half of the batch and swap the sides with it."""
    reference, current, change = batch
    half = len(change) // 2
    return (
        torch.cat([reference[:half].flip(-1), reference[half:]]),
        torch.cat([current[:half].flip(-1), current[half:]]),
        torch.cat([change[:half].flip(1), change[half:]]),
    )


@torch.no_grad()
def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """Mean Pearson over AUs and mean absolute error (FACS) on pairs of other identities."""
    model.eval()
    reference, current, change = held_out
    parts = zip(reference.split(256), current.split(256), strict=True)
    estimate = torch.cat([model(c[:, None], r[:, None]).float() for r, c in parts]).numpy()
    truth = change.numpy()
    correlations = [pearson(truth[:, :, k], estimate[:, :, k]) for k in range(truth.shape[2])]
    return {
        "pearson": float(np.mean(correlations)),
        "mae": float(np.abs(truth - estimate).mean()),
    }
