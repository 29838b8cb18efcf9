"""What the AU network learns, and how it is judged while it does."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.au_pairs import load, prepared, shown, with_flow
from training.loop import Batch, Recipe, fit
from training.metrics import icc_3_1, pearson
from training.models.au import AUNet

Floats = npt.NDArray[np.float32]
Agreement = Callable[[Floats, Floats], float]

VALIDATION: Final = 2000
_MICRO: Final = 2.0
_MACRO_SPREAD: Final = 2.0
"""FACS change from which on the error allowed grows with the change."""
_STILL: Final = 1e-3
_BATCH: Final = 128


def train(recipe: Recipe, runs: Path) -> None:
    """Train `runs/au/last.pt`."""
    torch.manual_seed(recipe.seed)
    data = with_flow(prepared(load(runs / "data", "train", recipe.samples)))
    held_out = load(runs / "data", "validation", VALIDATION)
    fit_pairs(AUNet(), data, recipe, runs / "au", held_out)


def fit_pairs(model: nn.Module, data: Batch, recipe: Recipe, folder: Path, held_out: Batch) -> None:
    """Train any network from two crops to a change; figures on the pairs held out are logged."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # stubs lack it
    weight = 1 / (data[2].square() * _tolerance(data[2])).mean(dim=(0, 1))
    fit(
        model,
        data,
        recipe,
        lambda m, b: _loss(m, b, weight),
        lambda m: score(m, held_out),
        folder,
    )


def _loss(model: nn.Module, batch: Batch, weight: Tensor) -> Tensor:
    """Squared error over each AU's spread, less strict where the change is large.

    Without the weight sparse AUs stay at zero; without the tolerance macro-expressions decide.
    """
    reference, current, change, *known = shown(batch)
    estimate = model(current[:, None], reference[:, None], *known).float()
    return (weight.to(change.device) * _tolerance(change) * (estimate - change).square()).mean()


def _tolerance(change: Tensor) -> Tensor:
    return 1 / (1 + (change / _MACRO_SPREAD).square())


@torch.no_grad()
def estimates(model: nn.Module, pairs: Batch) -> Floats:
    """What the network says of every pair, f32 [N, 2, K]."""
    model.eval()
    parts = zip(pairs[0].split(_BATCH), pairs[1].split(_BATCH), strict=True)
    device = next(model.parameters()).device
    seen = ((now[:, None].to(device), rest[:, None].to(device)) for rest, now in parts)
    return torch.cat([model(now, rest).float().cpu() for now, rest in seen]).numpy()


def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """Agreement with pairs of other identities.

    `pearson` and `mae` over all pairs; `icc` and `mae_micro` over those of at most 2 FACS, means
    over AUs; `phantom` is the change that 95 % of the pairs without any change stay below.
    """
    estimate, truth = estimates(model, held_out), held_out[2].numpy()
    largest = np.abs(truth).max(axis=(1, 2))
    small, still = largest <= _MICRO, largest < _STILL
    phantom = np.abs(estimate[still]).max(axis=(1, 2))
    return {
        "pearson": _mean_over_units(pearson, truth, estimate),
        "mae": float(np.abs(truth - estimate).mean()),
        "icc": _mean_over_units(icc_3_1, truth[small], estimate[small]),
        "mae_micro": float(np.abs(truth - estimate)[small].mean()),
        "phantom": float(np.quantile(phantom, 0.95)) if len(phantom) else 0.0,
    }


def _mean_over_units(agreement: Agreement, truth: Floats, estimate: Floats) -> float:
    units = range(truth.shape[2])
    return float(
        np.mean([agreement(truth[..., k].ravel(), estimate[..., k].ravel()) for k in units])
    )
