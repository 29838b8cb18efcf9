"""What the depth network learns, and how it is judged while it does."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from training.depth_store import load_depth_pairs
from training.loop import Batch, Recipe, fit
from training.metrics import change_correlation, pearson
from training.models.depth import DepthNet

_VALIDATION = 500
_SLOPE_WEIGHT: Final = 2.0
_CHANGE_WEIGHT: Final = 4.0
"""A change is a tenth of the relief it happens on, and would not count by its size."""
_LIKENESS_WEIGHT: Final = 0.2
_NOTICEABLE: Final = 0.004
"""Spread of a change, eye distances, of which half its weight is given: less is hardly a change."""


def train(recipe: Recipe, runs: Path) -> None:
    """Train `runs/depth/last.pt`."""
    data = _load(runs, "train", recipe.samples)
    held_out = _load(runs, "validation", _VALIDATION)
    # A third quicker on a CPU.
    network = convert_conv2d_weight_memory_format(DepthNet(), torch.channels_last)
    fit(network, data, recipe, loss, lambda model: score(model, held_out), runs / "depth")


def _load(runs: Path, split: str, samples: int) -> Batch:
    pairs = load_depth_pairs(runs / "data", split, samples)
    return torch.from_numpy(pairs.crops), torch.from_numpy(pairs.depth)


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """Error of each frame's depth and of its slopes, and of the change from frame to frame."""
    crops, truth = _mirrored(batch)
    known = ~truth.isnan()
    truth = truth.nan_to_num()
    estimate = _coarse(model, crops)
    error = torch.where(known, estimate - truth, 0.0)
    across = error.diff(dim=-1)[known[..., 1:] & known[..., :-1]]
    down = error.diff(dim=-2)[known[..., 1:, :] & known[..., :-1, :]]
    slopes = across.abs().mean() + down.abs().mean()
    both = known.all(dim=1)
    change = (error[:, 1] - error[:, 0])[both].abs().mean()
    unlike = unlikeness(truth.diff(dim=1)[:, 0], estimate.diff(dim=1)[:, 0], both)
    shape = error.abs().sum() / known.sum() + _SLOPE_WEIGHT * slopes
    return shape + _CHANGE_WEIGHT * change + _LIKENESS_WEIGHT * unlike


def unlikeness(truth: Tensor, estimate: Tensor, inside: Tensor) -> Tensor:
    """One minus the correlation of two changes [B, D, D], less where hardly anything changes."""
    truth, estimate = (_centred(change, inside) for change in (truth, estimate))
    count = inside.sum(dim=(1, 2))
    spread, found = (
        (change.square().sum(dim=(1, 2)) / count + 1e-10).sqrt() for change in (truth, estimate)
    )
    likeness = (truth * estimate).sum(dim=(1, 2)) / count / (spread * found)
    weight = spread / (spread + _NOTICEABLE)
    return (weight * (1 - likeness)).sum() / weight.sum()


def _centred(change: Tensor, inside: Tensor) -> Tensor:
    inside = inside.float()
    mean = (change * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2))
    return (change - mean[:, None, None]) * inside


def _mirrored(batch: Batch) -> Batch:
    """Half of the batch mirrored; depth in single precision, autocast takes no half on a CPU."""
    half, tensors = len(batch[0]) // 2, (batch[0], batch[1].float())
    return tuple(torch.cat([tensor[:half].flip(-1), tensor[half:]]) for tensor in tensors)


def _coarse(model: nn.Module, crops: Tensor) -> Tensor:
    """Depth f32 [B, 2, D, D] of crops [B, 2, S, S], at the resolution of the truth."""
    if not isinstance(model, DepthNet):
        raise TypeError(type(model))
    return model.coarse(crops.flatten(0, 1)[:, None]).float()[:, 0].unflatten(0, (-1, 2))


@torch.no_grad()
def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """Mean over pairs of the Pearson correlation inside the face, and of that of the change."""
    model.eval()
    crops, truth = held_out
    device = next(model.parameters()).device
    seen = [_coarse(model, part.to(device)).cpu() for part in crops.split(64)]
    estimate = torch.cat(seen).numpy()
    rows = []
    for t, e in zip(truth.float().numpy(), estimate, strict=True):
        inside = ~np.isnan(t).any(axis=0)
        rows.append((pearson(t[1][inside], e[1][inside]), change_correlation(t, e, inside)))
    shape, change = np.array(rows).mean(axis=0)
    return {"pearson": float(shape), "change": float(change)}
