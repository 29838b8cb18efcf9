"""The three attentions: mixed (texture and depth), factorised (time), dot-product with AU heads."""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


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


class MixedAttention(nn.Module):
    """Low level: texture queries over texture and depth keys in one softmax.

    "Mixed" is read as self- and cross-attention at once, the one reading that makes a single
    depth-aware operator. Keys and values are taken at half resolution, as CvT does.
    """

    def __init__(self, dim: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_x, self.norm_y = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query = ConvProjection(dim, side)
        self.key_x, self.key_y = ConvProjection(dim, side, 2), ConvProjection(dim, side, 2)
        self.value_x, self.value_y = ConvProjection(dim, side, 2), ConvProjection(dim, side, 2)
        self.out = nn.Linear(dim, dim)

    def forward(self, texture: Tensor, depth: Tensor) -> Tensor:
        """Two [B, T, N, D] -> [B, T, N, D]."""
        x, y = self.norm_x(texture), self.norm_y(depth)
        keys = torch.cat([self.key_x(x), self.key_y(y)], dim=2)
        values = torch.cat([self.value_x(x), self.value_y(y)], dim=2)
        attended = attend(self.query(x), keys, values, self.heads)
        out: Tensor = texture + self.out(attended)
        return out


class SpatialAttention(nn.Module):
    """Attention among the tokens of one frame, convolutional Q, K and V."""

    def __init__(self, dim: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query, self.key, self.value = (ConvProjection(dim, side) for _ in range(3))
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, N, D] -> [B, T, N, D]."""
        x = self.norm(tokens)
        attended = attend(self.query(x), self.key(x), self.value(x), self.heads)
        out: Tensor = tokens + self.out(attended)
        return out


class TemporalAttention(nn.Module):
    """Attention of each location over time (ViViT model 3)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, N, D] -> [B, T, N, D]."""
        query, key, value = self.qkv(self.norm(tokens)).transpose(1, 2).chunk(3, dim=-1)
        attended = attend(query, key, value, self.heads).transpose(1, 2)
        out: Tensor = tokens + self.out(attended)
        return out


class FactorisedBlock(nn.Module):
    """Mid level (Eq. 16): space, then time, then MLP."""

    def __init__(self, dim: int, heads: int, side: int, ratio: int) -> None:
        super().__init__()
        self.space = SpatialAttention(dim, heads, side)
        self.time = TemporalAttention(dim, heads)
        self.mlp = Mlp(dim, ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, T, N, D] -> [B, T, N, D]."""
        out: Tensor = self.mlp(self.time(self.space(tokens)))
        return out


class DotProductBlock(nn.Module):
    """High level (ViViT model 4): half the heads look in space, a quarter each in time and at AUs.

    The AU heads take visual queries and the AU tokens as keys and values.
    """

    def __init__(self, dim: int, heads: int, side: int, ratio: int) -> None:
        super().__init__()
        self.groups = (heads // 2, heads // 4, heads - heads // 2 - heads // 4)
        self.widths = [dim // heads * group for group in self.groups]
        self.norm, self.norm_au = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.key, self.value = (ConvProjection(dim, side) for _ in range(3))
        self.au_key_value = nn.Linear(dim, 2 * self.widths[2])
        self.out = nn.Linear(dim, dim)
        self.mlp = Mlp(dim, ratio)

    def forward(self, tokens: Tensor, au_tokens: Tensor) -> Tensor:
        """[B, T, N, D] and [B, K, D] -> [B, T, N, D]."""
        x = self.norm(tokens)
        q_space, q_time, q_au = self.query(x).split(self.widths, dim=-1)
        k_space, k_time, _ = self.key(x).split(self.widths, dim=-1)
        v_space, v_time, _ = self.value(x).split(self.widths, dim=-1)
        k_au, v_au = self.au_key_value(self.norm_au(au_tokens))[:, None].chunk(2, dim=-1)
        in_space = attend(q_space, k_space, v_space, self.groups[0])
        in_time = attend(
            q_time.transpose(1, 2), k_time.transpose(1, 2), v_time.transpose(1, 2), self.groups[1]
        ).transpose(1, 2)
        frames, length = q_au.shape[1:3]
        at_aus = attend(q_au.flatten(1, 2)[:, None], k_au, v_au, self.groups[2])
        at_aus = at_aus.squeeze(1).unflatten(1, (frames, length))
        tokens = tokens + self.out(torch.cat([in_space, in_time, at_aus], dim=-1))
        out: Tensor = self.mlp(tokens)
        return out


class Mlp(nn.Module):
    """Pre-norm feed-forward block with its skip connection."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Same shape in and out."""
        out: Tensor = tokens + self.body(tokens)
        return out


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Scaled dot-product attention over axis 2: [B, G, N, D] and [B, G, M, D] -> [B, G, N, D]."""
    query, key, value = (t.unflatten(-1, (heads, -1)).transpose(2, 3) for t in (query, key, value))
    return fn.scaled_dot_product_attention(query, key, value).transpose(2, 3).flatten(3)
