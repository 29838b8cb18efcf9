"""Displacement between two pictures, computed inside the graph: no weights, nothing to overfit.

Symmetric pyramidal Lucas-Kanade (Lucas & Kanade 1981; Bouguet 2000 for the pyramid). Both pictures
are warped half way towards each other, so exchanging them negates the flow exactly.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as fn

STRIDE = 4
"""Crop pixels per cell of the flow."""
EXCHANGED = (-1.0, -1.0, 1.0, 1.0, 1.0)
"""Sign of motion (x, y) and texture (xx, xy, yy) when the pictures are exchanged."""
MIRRORED = (-1.0, 1.0, 1.0, -1.0, 1.0)
"""The same when both are mirrored, beside the maps themselves."""
_LEVELS = {4: (1, 2), 2: (1, 1), 1: (1,)}
"""Reduction of the picture: reaches, in cells, of the windows that share one motion."""
_RIDGE = 0.03
"""Share of the picture's mean gradient energy: flat skin stays where it is."""
_AROUND = (1, 2)
_LIMIT = 2.0
"""Largest correction in pixels of a level."""


def flow(rest: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
    """Motion from `rest` to `now` and how much texture there was to see it by.

    Pictures f32 [N, 1, S, S], standardised. Motion f32 [N, 2, S/4, S/4] in crop pixels (x, y);
    texture f32 [N, 3, S/4, S/4], the structure tensor (xx, xy, yy), log-compressed.
    """
    cells = rest.shape[-1] // STRIDE
    motion = rest.new_zeros(rest.shape[0], 2, cells, cells)
    texture = rest.new_zeros(rest.shape[0], 3, cells, cells)
    rest, now = _filtered(rest), _filtered(now)
    for level, reaches in _LEVELS.items():
        small = _reduced(rest, level), _reduced(now, level)
        step, texture = _step(*small, motion / level, reaches)
        motion = motion + level * step
    return motion, torch.log1p(4 * texture.abs()) * texture.sign()


def _step(
    rest: Tensor, now: Tensor, motion: Tensor, reaches: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """One Lucas-Kanade correction of `motion` (pixels of these pictures), and the texture."""
    dense = fn.interpolate(motion, size=rest.shape[-2:], mode="bilinear", align_corners=False)
    rest, now = _warped(rest, -dense / 2), _warped(now, dense / 2)
    across, down = _slopes((rest + now) / 2)
    products = [across * across, across * down, down * down]
    change = now - rest
    maps = torch.cat([*products, across * change, down * change], dim=1)
    sums = _windowed(maps, motion.shape[-1], reaches)
    xx, xy, yy, xt, yt = sums.split(1, dim=1)
    ridge = _RIDGE * (xx + yy).mean(dim=(-2, -1), keepdim=True) / 2 + 1e-4
    xx, yy = xx + ridge, yy + ridge
    scale = 1 / (xx * yy - xy * xy)
    found = torch.cat([(xy * yt - yy * xt) * scale, (xy * xt - xx * yt) * scale], dim=1)
    return found.clamp(-_LIMIT, _LIMIT), sums[:, :3]


def _windowed(maps: Tensor, cells: int, reaches: tuple[int, ...]) -> Tensor:
    """Means over cells, then over windows of them, one after the other."""
    average = maps.new_tensor(_averages(maps.shape[-1], cells, reaches))
    return average @ maps @ average.T


@lru_cache
def _averages(pixels: int, cells: int, reaches: tuple[int, ...]) -> list[list[float]]:
    """Rows sum to one: what each pixel of a line gives to each cell. The border repeats."""
    width = pixels // cells
    weights = np.kron(np.eye(cells), np.full(width, 1 / width))
    for reach in reaches:
        near = np.abs(np.subtract.outer(np.arange(cells), np.arange(cells))) <= reach
        weights = near / near.sum(axis=1, keepdims=True) @ weights
    return [[float(weight) for weight in row] for row in weights]


def _reduced(pictures: Tensor, factor: int) -> Tensor:
    return fn.avg_pool2d(pictures, factor) if factor > 1 else pictures


def _filtered(pictures: Tensor) -> Tensor:
    """Less noise (a 3x3 mean) and no uneven light (less the mean over some 20 px)."""
    soft = _soft(pictures)
    around = _windowed(soft, soft.shape[-1] // STRIDE, _AROUND)
    return soft - fn.interpolate(around, size=soft.shape[-2:], mode="bilinear", align_corners=False)


def _soft(pictures: Tensor) -> Tensor:
    wide = fn.pad(pictures, (1, 1, 1, 1), mode="replicate")
    rows = wide[..., :-2, :] + wide[..., 1:-1, :] + wide[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9


def _slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences along x and y, f32 as the input."""
    wide = fn.pad(pictures, (1, 1, 1, 1), mode="replicate")
    across = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 2
    down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 2
    return across, down


def _warped(pictures: Tensor, motion: Tensor) -> Tensor:
    """Values at x + motion, bilinear; the border repeats outside."""
    height, width = pictures.shape[-2:]
    xs = torch.linspace(-1 + 1 / width, 1 - 1 / width, width)
    ys = torch.linspace(-1 + 1 / height, 1 - 1 / height, height)
    base = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)], dim=-1)
    shift = motion.permute(0, 2, 3, 1) * torch.tensor([2 / width, 2 / height])
    return fn.grid_sample(
        pictures, base + shift, mode="bilinear", padding_mode="border", align_corners=False
    )
