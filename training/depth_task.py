"""What the depth network learns, and how it is judged while it does."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.loop import Batch, Recipe, fit
from training.metrics import pearson
from training.models.depth import DepthNet
from training.pairs_store import load_pairs

_VALIDATION = 500
_GRADIENT_WEIGHT = 2.0


def train(recipe: Recipe, runs: Path) -> None:
    """Train `runs/depth/last.pt`."""
    data = _load(runs, "train", recipe.samples)
    held_out = _load(runs, "validation", _VALIDATION)
    fit(DepthNet(), data, recipe, _loss, lambda model: score(model, held_out), runs / "depth")


def _load(runs: Path, split: str, samples: int) -> Batch:
    pairs = load_pairs(runs / "data", split, samples)
    return torch.from_numpy(pairs.current), torch.from_numpy(pairs.depth)


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    """Absolute error inside the face, of the depth and of its slopes (fine relief counts)."""
    crops, truth = batch
    half = len(crops) // 2
    crops = torch.cat([crops[:half].flip(-1), crops[half:]])
    truth = truth.float()  # autocast does not take half precision on a CPU
    truth = torch.cat([truth[:half].flip(-1), truth[half:]])
    known = ~truth.isnan()
    error = torch.where(known, _coarse(model, crops) - truth.nan_to_num(), 0.0)
    across = error.diff(dim=-1)[known[..., 1:] & known[..., :-1]]
    down = error.diff(dim=-2)[known[:, 1:] & known[:, :-1]]
    slopes = across.abs().mean() + down.abs().mean()
    return error.abs().sum() / known.sum() + _GRADIENT_WEIGHT * slopes


def _coarse(model: nn.Module, crops: Tensor) -> Tensor:
    """Depth at the resolution of the truth, f32 [N, 56, 56]."""
    if not isinstance(model, DepthNet):
        raise TypeError(type(model))
    return model.coarse(crops[:, None]).float()[:, 0]


@torch.no_grad()
def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """Mean over frames of the Pearson correlation inside the face."""
    model.eval()
    crops, truth = held_out
    estimate = torch.cat([_coarse(model, part) for part in crops.split(128)])
    rows = [
        pearson(t[~np.isnan(t)], e[~np.isnan(t)])
        for t, e in zip(truth.float().numpy(), estimate.numpy(), strict=True)
    ]
    return {"pearson": float(np.mean(rows))}
