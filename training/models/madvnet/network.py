"""The whole network: two video streams and the AU stream, three levels, dynamic fusion."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.models.blocks import Luma
from training.models.madvnet.attention import (
    DotProductBlock,
    FactorisedBlock,
    MixedAttention,
    Mlp,
    TemporalAttention,
)
from training.models.madvnet.au_encoder import AUEncoder
from training.models.madvnet.config import MADVNetConfig
from training.models.madvnet.tokens import DifferenceStem, Downscale, Sequencer, to_grid
from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

_FRAMES = (CLIP_FRAMES // 2, CLIP_FRAMES // 2, CLIP_FRAMES // 4)
_SIDES = (CROP_SIZE // 8, CROP_SIZE // 16, -(-CROP_SIZE // 32))


class MADVNetOutput(NamedTuple):
    """logits [B, C]; level_logits [B, 3, C]; au_logits [B, C]; gate [B, 4]; kl scalar."""

    logits: Tensor
    level_logits: Tensor
    au_logits: Tensor
    gate: Tensor
    kl: Tensor


class LevelHead(nn.Module):
    """Code of one level from its class tokens and its convolution branch (Eq. 14, 15, 17)."""

    def __init__(self, dim: int, config: MADVNetConfig) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(2 * dim),
            nn.Dropout(config.dropout),
            nn.Linear(2 * dim, config.fusion_dim),
            nn.GELU(),
        )
        self.logits = nn.Linear(config.fusion_dim, len(LABELS))

    def forward(self, cls: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Class tokens [B, T, D] and token map [B, D, T, H, W] -> code [B, F], logits [B, C]."""
        code = self.body(torch.cat([cls.mean(dim=1), grid.mean(dim=(2, 3, 4))], dim=1))
        return code, self.logits(code)


class MADVNet(nn.Module):
    """Texture, depth and AU streams to class logits; see `MADVNetOutput`."""

    def __init__(self, config: MADVNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MADVNetConfig()
        low, mid, high = config.dims
        heads, ratio = config.heads, config.mlp_ratio
        self.luma = Luma()
        self.texture_stem, self.depth_stem = DifferenceStem(low), DifferenceStem(low)
        self.texture_tokens = Sequencer(low, _FRAMES[0], _SIDES[0])
        self.depth_tokens = Sequencer(low, _FRAMES[0], _SIDES[0])
        self.mixed = nn.ModuleList(
            [MixedAttention(low, heads[0], _SIDES[0]) for _ in range(config.depths[0])]
        )
        # Mixed attention alone never mixes time; one temporal block at the low level is ours.
        self.low_time, self.low_mlp = TemporalAttention(low, heads[0]), Mlp(low, ratio)
        self.to_mid, self.carry_mid = Downscale(low, mid, (1, 2, 2)), nn.Linear(low, mid)
        self.mid_tokens = Sequencer(mid, _FRAMES[1], _SIDES[1])
        self.factorised = nn.ModuleList(
            [FactorisedBlock(mid, heads[1], _SIDES[1], ratio) for _ in range(config.depths[1])]
        )
        self.to_high, self.carry_high = Downscale(mid, high, (2, 2, 2)), nn.Linear(mid, high)
        self.high_tokens = Sequencer(high, _FRAMES[2], _SIDES[2])
        self.dot_product = nn.ModuleList(
            [DotProductBlock(high, heads[2], _SIDES[2], ratio) for _ in range(config.depths[2])]
        )
        self.au_encoder = AUEncoder(high, config.au_hidden, config.fusion_dim, len(LABELS))
        self.heads = nn.ModuleList([LevelHead(dim, config) for dim in config.dims])
        self.gate = nn.Sequential(
            nn.Linear(4 * config.fusion_dim, config.fusion_dim),
            nn.GELU(),
            nn.Linear(config.fusion_dim, 4),
        )
        self.classifier = nn.Linear(config.fusion_dim, len(LABELS))

    def forward(self, crops: Tensor, depth: Tensor, action_units: Tensor) -> MADVNetOutput:
        """uint8 crops [B, T, C, S, S], depth [B, T, 1, h, w] and FACS change [B, T, 2, K]."""
        action_units = self._withhold(action_units)
        au_tokens, au_code, au_logits = self.au_encoder(action_units)
        texture = self.texture_stem(_per_clip_standard(self.luma(crops)).transpose(1, 2))
        relief = self.depth_stem(_per_clip_range(depth).transpose(1, 2))
        low, low_cls = self._low(texture, relief)
        mid_grid = self.to_mid(low)
        mid, mid_cls = self._mid(mid_grid, low_cls)
        high_grid = self.to_high(mid)
        high_cls = self._high(high_grid, mid_cls, au_tokens)
        grids, tokens = (texture, mid_grid, high_grid), (low_cls, mid_cls, high_cls)
        levels = [
            head(cls, grid) for head, cls, grid in zip(self.heads, tokens, grids, strict=True)
        ]
        codes = torch.stack([*(code for code, _ in levels), au_code], dim=1)
        gate = self.gate(codes.flatten(1)).softmax(dim=-1)
        logits = self.classifier((gate[..., None] * codes).sum(dim=1))
        level_logits = torch.stack([level for _, level in levels], dim=1)
        return MADVNetOutput(logits, level_logits, au_logits, gate, self.au_encoder.kl())

    def _low(self, texture: Tensor, relief: Tensor) -> tuple[Tensor, Tensor]:
        x, y = self.texture_tokens(texture), self.depth_tokens(relief)
        for block in self.mixed:
            x = block(x, y)
        x = self.low_mlp(self.low_time(x))
        return to_grid(x, _SIDES[0]), x[:, :, 0]

    def _mid(self, grid: Tensor, cls: Tensor) -> tuple[Tensor, Tensor]:
        x = self.mid_tokens(grid, self.carry_mid(cls))
        for block in self.factorised:
            x = block(x)
        return to_grid(x, _SIDES[1]), x[:, :, 0]

    def _high(self, grid: Tensor, cls: Tensor, au_tokens: Tensor) -> Tensor:
        halved = self.carry_high(cls).unflatten(1, (-1, 2)).mean(dim=2)
        x = self.high_tokens(grid, halved)
        for block in self.dot_product:
            x = block(x, au_tokens)
        return x[:, :, 0]

    def _withhold(self, action_units: Tensor) -> Tensor:
        if not self.training or self.config.au_dropout == 0:
            return action_units
        kept = torch.rand(len(action_units), 1, 1, 1) >= self.config.au_dropout
        return action_units * kept.to(action_units.dtype)


def _per_clip_standard(video: Tensor) -> Tensor:
    """Zero mean and unit spread over a whole clip [B, T, 1, H, W]: frames stay comparable."""
    mean = video.mean(dim=(1, 2, 3, 4), keepdim=True)
    spread = (video - mean).square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
    return (video - mean) / (spread + 1e-3)


def _per_clip_range(depth: Tensor) -> Tensor:
    """0..1 over a whole clip: per-frame normalisation would flicker and fake motion in depth."""
    low = depth.amin(dim=(1, 2, 3, 4), keepdim=True)
    high = depth.amax(dim=(1, 2, 3, 4), keepdim=True)
    return (depth - low) / (high - low + 1e-6)
