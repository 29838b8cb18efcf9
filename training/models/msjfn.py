"""MSJFN: multi-scale joint feature network on a picture of optical flow.

Li, Wei, Wang, Zhou, Computational Visual Media 7(3), 2021, doi 10.1007/s41095-021-0217-9. A
reconstruction: the abstract alone says that three joint feature modules integrate features of
different layers and that their predictions are fused with the backbone's. Ours are which layers (a
backbone of four stages has three adjacent pairs), all widths, and that fusing is adding logits.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.blocks import conv
from worker.specs import CLIP_FRAMES

_STAGES = 4


@dataclass(frozen=True, slots=True)
class MSJFNConfig:
    """`width` is the channels of the first stage; each later one has twice as many."""

    width: int = 16
    blocks: int = 1
    """Residual blocks in a stage."""
    joint: int = 32
    """Channels of a joint feature module."""
    side: int = 28
    cells: int = 14
    """Along a side of the first stage's maps; later stages halve it."""
    channels: int = 3
    """u, v, strain."""
    classes: int = 3
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.side % self.cells:
            raise ValueError(f"side {self.side} is no multiple of {self.cells}")

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "MSJFNConfig":
        """A TOML table; ValueError for an unknown key."""
        own: dict[str, Any] = dict(table)
        if unknown := own.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown in [network]: {', '.join(sorted(unknown))}")
        return cls(**own)

    @property
    def frames(self) -> int:
        """Of a clip, that its picture is made of."""
        return CLIP_FRAMES


class Verdicts(NamedTuple):
    """Logits [B, classes]: fused, and of the backbone and each joint feature module."""

    fused: Tensor
    single: tuple[Tensor, ...]


class MSJFN(nn.Module):
    """Flow pictures f32 [B, 3, S, S], centred on no motion, to logits."""

    def __init__(self, config: MSJFNConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * 2**stage for stage in range(_STAGES)]
        stride = config.side // config.cells
        kernel = 3 if stride == 1 else 2 * stride - 1
        self.stem = conv(config.channels, config.width, kernel, stride)
        self.stages = nn.ModuleList(
            _stage(inputs, outputs, config.blocks)
            for inputs, outputs in zip([config.width, *widths[:-1]], widths, strict=True)
        )
        self.joints = nn.ModuleList(
            JointFeatures(low, high, config) for low, high in itertools.pairwise(widths)
        )
        self.head = _head(widths[-1], config)

    def forward(self, pictures: Tensor) -> Verdicts:
        """All verdicts; the fused logits are the sum of the others."""
        maps = [self.stem(pictures)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        pairs = zip(self.joints, maps[1:-1], maps[2:], strict=True)
        single = (self.head(maps[-1]), *(joint(low, high) for joint, low, high in pairs))
        return Verdicts(torch.stack(single).sum(dim=0), single)


class JointFeatures(nn.Module):
    """The JFM: maps of a stage and of the next, brought to one size and joined, judged alone."""

    def __init__(self, low: int, high: int, config: MSJFNConfig) -> None:
        super().__init__()
        self.low = nn.Conv2d(low, config.joint, 1)
        self.high = nn.Conv2d(high, config.joint, 1)
        self.join = conv(2 * config.joint, config.joint)
        self.head = _head(config.joint, config)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Logits [B, classes]."""
        above = fn.interpolate(self.high(high), size=low.shape[-2:], mode="nearest")
        logits: Tensor = self.head(self.join(torch.cat([self.low(low), above], dim=1)))
        return logits


class _Block(nn.Module):
    """Basic residual block (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(inputs, outputs, 3, stride),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = torch.relu(self.skip(maps) + self.body(maps))
        return out


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    first = _Block(inputs, outputs, 1 if inputs == outputs else 2)
    return nn.Sequential(first, *(_Block(outputs, outputs, 1) for _ in range(blocks - 1)))


def _head(channels: int, config: MSJFNConfig) -> nn.Sequential:
    """Mean over places, then one linear layer."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(config.dropout),
        nn.Linear(channels, config.classes),
    )


def joint_loss(verdicts: Verdicts, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross entropy of the fused verdict and of each single one; `weights` f32 [classes]."""
    total = fn.cross_entropy(verdicts.fused, labels, weights)
    for logits in verdicts.single:
        total = total + fn.cross_entropy(logits, labels, weights)
    return total
