"""From the levels and the AU stream to one code: level heads, dynamic fusion, frequency bands."""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.madvnet.config import MADVNetConfig
from worker.specs import GATES, LEVELS


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
        self.logits = nn.Linear(config.fusion_dim, config.classes)

    def forward(self, cls: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Class tokens [B, T, D] and token map [B, D, T, H, W] -> code [B, F], logits [B, C]."""
        code = self.body(torch.cat([cls.mean(dim=1), grid.mean(dim=(2, 3, 4))], dim=1))
        return code, self.logits(code)


def fusion_gate(config: MADVNetConfig) -> nn.Sequential:
    """The codes side by side -> one score each."""
    parts = len(GATES) if config.au else len(LEVELS)
    return nn.Sequential(
        nn.Linear(parts * config.fusion_dim, config.fusion_dim),
        nn.GELU(),
        nn.Linear(config.fusion_dim, parts),
    )


def shares(codes: Tensor, gate: nn.Module | None, au_known: Tensor | None) -> Tensor:
    """What each of the codes [B, P, F] adds to the fused one, [B, P], 1 in all.

    Without a gate all add the same. A clip whose AUs are not known (`au_known` [B], None for all
    known) gets nothing from the last code.
    """
    scores = codes.new_zeros(codes.shape[:2]) if gate is None else gate(codes.flatten(1))
    if au_known is not None:
        absent = torch.arange(len(GATES), device=codes.device) == len(LEVELS)
        scores = scores.masked_fill(absent & ~au_known[:, None], float("-inf"))
    return scores.softmax(dim=-1)


class BandHeads(nn.Module):
    """Class logits of the three bands of a temporal Laplacian pyramid of a token map.

    The other reading of "low, mid and high frequency" (Eq. 20): slow, medium and quick change.
    """

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes)) for _ in LEVELS
        )

    def forward(self, grid: Tensor) -> Tensor:
        """[B, D, T, H, W] -> [B, 3, C]."""
        energy = [band.abs().mean(dim=(2, 3, 4)) for band in temporal_bands(grid)]
        logits = [head(seen) for head, seen in zip(self.heads, energy, strict=True)]
        return torch.stack(logits, dim=1)


def temporal_bands(grid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Low, mid and high of [B, D, T, H, W]; their sum is the map itself."""
    once = _smoothed(grid)
    twice = _smoothed(once)
    return twice, once - twice, grid - once


def _smoothed(grid: Tensor) -> Tensor:
    """Binomial over time, the ends held."""
    longer = fn.pad(grid, (0, 0, 0, 0, 1, 1), mode="replicate")
    return (longer[:, :, :-2] + 2 * grid + longer[:, :, 2:]) / 4
