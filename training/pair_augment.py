"""Nuisance added to pairs while training: light, blur, noise, occluders, registration error.

A pair is f32 [2, N, S, S] in gray levels 0..255. What its pictures share (the camera, a
glasses-like occluder, how the face sits in the crop) is drawn once per pair, what differs from
frame to frame once per picture. The AU change stays what it was.
"""

import torch
from torch import Tensor
from torch.nn import functional as fn

_WHITE = 255.0
_SHARED_POSE = (0.025, 0.03, 0.03)
"""Spread of roll (radians), log scale and shift (crop halves) of both crops together."""
_OWN_POSE = (0.0026, 0.0015, 0.0027)
"""The same for each crop alone: what registration leaves, 0.15 px and 0.15 degrees."""
_LARGER_ERROR_SHARE = 0.1
_LARGER_ERROR = 3.0
_OCCLUDED_SHARE = 0.1
_BLURRED_SHARE = 0.3


def augmented(reference: Tensor, current: Tensor) -> tuple[Tensor, Tensor]:
    """Both crops uint8 [N, S, S] as new pictures f32 [N, 1, S, S] of whole gray levels."""
    pair = torch.stack([reference, current]).float()
    pair = _occluded(_moved(pair))
    pair = _noisy(_blurred(_lit(pair)))
    pair = pair.round().clamp(0, _WHITE)[:, :, None]
    return pair[0], pair[1]


def _moved(pair: Tensor) -> Tensor:
    """Half of the pairs sit differently in the crop and are registered a little worse."""
    count = pair.shape[1] // 2
    shared = torch.randn(1, count, 4) * torch.tensor(
        [_SHARED_POSE[0], _SHARED_POSE[1], _SHARED_POSE[2], _SHARED_POSE[2]]
    )
    own = torch.randn(2, count, 4) * torch.tensor(
        [_OWN_POSE[0], _OWN_POSE[1], _OWN_POSE[2], _OWN_POSE[2]]
    )
    rare = (torch.rand(1, count, 1) < _LARGER_ERROR_SHARE) * (_LARGER_ERROR - 1) + 1
    roll, log_scale, x, y = (shared + rare * own).flatten(0, 1).unbind(dim=-1)
    cos, sin = log_scale.exp() * roll.cos(), log_scale.exp() * roll.sin()
    matrices = torch.stack([cos, -sin, x, sin, cos, y], dim=-1).view(-1, 2, 3)
    pictures = pair[:, :count].flatten(0, 1)[:, None]
    grid = fn.affine_grid(matrices, list(pictures.shape), align_corners=False)
    moved = fn.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return torch.cat([moved.view(2, count, *pair.shape[2:]), pair[:, count:]], dim=1)


def _occluded(pair: Tensor) -> Tensor:
    """A bar or patch of one gray level at the same place in both crops of a few pairs."""
    size = pair.shape[-1]
    for row in (torch.rand(pair.shape[1]) < _OCCLUDED_SHARE).nonzero().flatten().tolist():
        height, width = torch.randint(4, 28, (2,)).tolist()
        top = int(torch.randint(0, size - height, ()))
        left = int(torch.randint(0, size - width, ()))
        pair[:, row, top : top + height, left : left + width] = _WHITE * torch.rand(()) * 0.8
    return pair


def _lit(pair: Tensor) -> Tensor:
    """Gamma and an uneven light shared by both crops; gain and a little unevenness of each."""
    count, size = pair.shape[1], pair.shape[-1]
    axis = torch.linspace(-1, 1, size)
    slopes = torch.randn(1, count, 2) * 0.12 + torch.randn(2, count, 2) * 0.015
    light = 1 + slopes[..., :1, None] * axis + slopes[..., 1:, None] * axis[:, None]
    gamma = (0.2 * torch.randn(1, count, 1, 1)).exp()
    gain = (0.1 * torch.randn(1, count, 1, 1) + 0.025 * torch.randn(2, count, 1, 1)).exp()
    return _WHITE * (pair / _WHITE).clamp(0, 1).pow(gamma) * (gain * light).clamp(0.2, 3)


def _blurred(pair: Tensor) -> Tensor:
    """Up to a 3x3 average, more or less of it in each crop of some pairs."""
    chosen = torch.rand(1, pair.shape[1], 1, 1) < _BLURRED_SHARE
    common = torch.rand(1, pair.shape[1], 1, 1)
    amount = chosen * (common + 0.3 * torch.randn(2, pair.shape[1], 1, 1)).clamp(0, 1)
    soft = fn.avg_pool2d(pair.flatten(0, 1)[:, None], 3, 1, 1, count_include_pad=False)
    return pair + amount * (soft.view_as(pair) - pair)


def _noisy(pair: Tensor) -> Tensor:
    """Sensor noise of a strength that a pair shares, 0 to 4 gray levels."""
    return pair + 4 * torch.rand(1, pair.shape[1], 1, 1).square() * torch.randn_like(pair)
