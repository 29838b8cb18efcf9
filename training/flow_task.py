"""Flow pictures to three classes: how MSJFN is fed, taught and asked.

A loop of its own: folds train dozens of small networks in one process and keep none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as fn
from torch.optim.lr_scheduler import OneCycleLR

from training.models.msjfn import MSJFN, MSJFNConfig, joint_loss

NETWORK: Final = MSJFNConfig(width=12, joint=16)
_MIRROR: Final = (-1.0, 1.0, 1.0)
"""Signs of u, v and strain in a mirrored picture."""
_SCALE, _SHIFT, _TURN = 0.06, 0.07, 0.04
"""Spread of size, of place (half a side is 1) and of turns in radians."""
_SLOPE, _NOISE, _NO_STRAIN = 0.3, 0.2, 0.3
"""Head motion left in u and v, noise, and how often strain is hidden."""
_WARMUP: Final = 0.15


@dataclass(frozen=True, slots=True)
class Schedule:
    """AdamW with one cycle of the rate; the last epoch is kept."""

    epochs: int
    learning_rate: float
    batch_size: int = 64
    weight_decay: float = 0.05


def prepared(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """f32 [N, 3, S, S] of flow pictures uint8 [N, S, S, 3], each by itself.

    u and v are centred on their median, since most of a face rests, and all three divided by
    their spread: what min-max stretching did to them goes.
    """
    return centred(torch.from_numpy(pictures).permute(0, 3, 1, 2))


def centred(pictures: Tensor) -> Tensor:
    """The same of flow pictures uint8 [N, 3, S, S], in operations that can be exported."""
    planes = pictures.float()
    spread = planes.std(dim=(2, 3), keepdim=True) + 1
    motion = planes[:, :2].flatten(2).sort(dim=2).values
    half = motion.shape[2] // 2
    middle = (motion[:, :, (motion.shape[2] - 1) // 2] + motion[:, :, half]) / 2
    rest = torch.cat([middle, torch.zeros_like(middle[:, :1])], dim=1)
    return (planes - rest[:, :, None, None]) / spread


def taught(
    network: MSJFN,
    pictures: Tensor,
    labels: Tensor,
    schedule: Schedule,
    seed: int,
    weights: Tensor | None = None,
) -> MSJFN:
    """The network trained in place on f32 [N, 3, S, S] and int64 [N], ready to be asked.

    `weights` f32 [classes] weigh the classes. Augmented: mirrored, moved, tilted, noisy.
    """
    torch.manual_seed(seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    size = min(schedule.batch_size, len(labels))
    steps = schedule.epochs * (len(labels) // size)
    rate = OneCycleLR(optimiser, schedule.learning_rate, total_steps=steps, pct_start=_WARMUP)
    network.train()
    for _ in range(schedule.epochs):
        for rows in _batches(len(labels), size):
            loss = joint_loss(network(augmented(pictures[rows])), labels[rows], weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            rate.step()
    return network.eval()


def fresh(seed: int, config: MSJFNConfig = NETWORK) -> MSJFN:
    """An untrained network."""
    torch.manual_seed(seed)
    return MSJFN(config)


@torch.no_grad()
def asked(network: MSJFN, pictures: Tensor) -> Tensor:
    """Probabilities f32 [N, classes], the mean over each picture and its mirror image."""
    network.eval()
    both = network(pictures).fused.softmax(dim=1), network(mirrored(pictures)).fused.softmax(dim=1)
    return torch.stack(both).mean(dim=0)


def mirrored(pictures: Tensor) -> Tensor:
    """The same motion on the other side of the face."""
    return pictures.flip(-1) * pictures.new_tensor(_MIRROR).view(1, 3, 1, 1)


def augmented(pictures: Tensor) -> Tensor:
    """Half of a batch mirrored; all moved, with a tilt of the head and noise on top."""
    (count, _, height, width), place = pictures.shape, pictures.device
    turned = torch.rand(count, 1, 1, 1, device=place) < 0.5  # noqa: PLR2004  # half
    pictures = _moved(torch.where(turned, mirrored(pictures), pictures))
    down = torch.linspace(-1, 1, height, device=place).view(1, 1, -1, 1)
    across = torch.linspace(-1, 1, width, device=place).view(1, 1, 1, -1)
    slopes = _SLOPE * torch.randn(2, count, 2, 1, 1, device=place)
    tilt = fn.pad(slopes[0] * across + slopes[1] * down, (0, 0, 0, 0, 0, 1))
    noise = _NOISE * torch.rand(count, 1, 1, 1, device=place) * torch.randn_like(pictures)
    seen = torch.ones(count, 3, 1, 1, device=place)
    seen[:, 2] = (torch.rand(count, 1, 1, device=place) > _NO_STRAIN).float()
    return (pictures + tilt + noise) * seen


def _moved(pictures: Tensor) -> Tensor:
    count, place = len(pictures), pictures.device
    scale = torch.exp(_SCALE * torch.randn(count, 2, device=place))
    turn = _TURN * torch.randn(count, device=place)
    shift = _SHIFT * torch.randn(count, 2, device=place)
    rows = (
        torch.stack([scale[:, 0], turn, shift[:, 0]], dim=1),
        torch.stack([-turn, scale[:, 1], shift[:, 1]], dim=1),
    )
    grid = fn.affine_grid(torch.stack(rows, dim=1), list(pictures.shape), align_corners=False)
    return fn.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _batches(count: int, size: int) -> Iterator[Tensor]:
    """Rows of whole batches in a fresh order."""
    order = torch.randperm(count)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]
