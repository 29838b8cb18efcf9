"""Tokens to queries, keys or values, and what attention does with them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.madvnet.config import Projection


class ConvProjection(nn.Module):
    """Depthwise 3x3, BN, pointwise 1x1 on a token map (Eq. 1); the class token skips the 3x3."""

    def __init__(self, dim: int, side: int, stride: int = 1) -> None:
        super().__init__()
        self.side = side
        self.depthwise = nn.Conv2d(dim, dim, 3, stride, 1, groups=dim, bias=False)
        self.norm = nn.BatchNorm2d(dim)
        self.pointwise = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, 1+HW, D] -> [B, T, 1+H'W', D]."""
        batch, frames = tokens.shape[:2]
        grid = tokens[:, :, 1:].flatten(0, 1).transpose(1, 2).unflatten(2, (self.side, self.side))
        mapped = self.norm(self.depthwise(grid)).flatten(2).transpose(1, 2)
        mapped = mapped.unflatten(0, (batch, frames))
        out: Tensor = self.pointwise(torch.cat([tokens[:, :, :1], mapped], dim=2))
        return out


def projection(kind: Projection, dim: int, side: int, stride: int = 1) -> nn.Module:
    """Eq. 1, or the linear layer it stands in for, which knows neither neighbours nor a stride."""
    return nn.Linear(dim, dim) if kind == "linear" else ConvProjection(dim, side, stride)


def attend(
    query: Tensor, key: Tensor, value: Tensor, heads: int, seen: Tensor | None = None
) -> Tensor:
    """Scaled dot-product attention over axis 2: [B, G, N, D] and [B, G, M, D] -> [B, G, N, D].

    `seen`, boolean and broadcastable to [B, G, M], leaves keys out; each row must keep one.
    """
    query, key, value = (t.unflatten(-1, (heads, -1)).transpose(2, 3) for t in (query, key, value))
    mask = None if seen is None else seen[:, :, None, None]
    attended = fn.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attended.transpose(2, 3).flatten(3)


def cls_attention(query: Tensor, key: Tensor, heads: int) -> Tensor:
    """How much the class token heeds each key, mean over heads: two [B, T, N, D] -> [B, T, N]."""
    asked = query[:, :, :1].unflatten(-1, (heads, -1)).transpose(2, 3)
    keys = key.unflatten(-1, (heads, -1)).transpose(2, 3)
    scores = asked @ keys.transpose(-2, -1) / keys.shape[-1] ** 0.5
    return scores.softmax(dim=-1).mean(dim=2).squeeze(2)


def strongest(scores: Tensor, share: float) -> Tensor:
    """The keys to keep, boolean as `scores` [B, T, 1+N]: the class token, and a share of the rest.

    The paper's "discard blocks with lower attention weights". Tokens stay, since the convolutions
    of Eq. 1 need the whole map, and the softmax over the keys kept renormalises their weights.
    """
    blocks = scores[..., 1:]
    count = max(1, round(share * int(blocks.shape[-1])))
    weakest_kept = blocks.topk(count, dim=-1).values[..., -1:]
    return torch.cat(
        [torch.ones_like(scores[..., :1], dtype=torch.bool), blocks >= weakest_kept], -1
    )
