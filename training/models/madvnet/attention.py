"""The three attentions: mixed (texture and depth), factorised (time), dot-product with AU heads.

Their blocks look alike from outside: tokens, what lies `Around` and the keys that the block before
found worth keeping come in; tokens, and the keys for the next block, go out.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.models.madvnet.config import MADVNetConfig
from training.models.madvnet.projection import attend, cls_attention, projection, strongest


class Around(NamedTuple):
    """What tokens [B, T, N, D] of a level may look at beside each other.

    depth: tokens [B, T, N, D]. au: tokens [B, K, D']. The masks, `depth_known` [B] and `au_known`
    [B, K], are boolean; None is all known.
    """

    depth: Tensor | None
    depth_known: Tensor | None
    au: Tensor | None
    au_known: Tensor | None
    maps: list[Tensor] | None = None
    """Takes what the class tokens of each frame heed [B, T, 1+N], block by block; None: unasked."""


Step = tuple[Tensor, Tensor | None]
"""Tokens [B, T, N, D], and the keys to keep [B, T, N] or None for all."""


class MixedAttention(nn.Module):
    """Texture queries over texture and depth keys in one softmax; meant for the low level.

    "Mixed" is read as self- and cross-attention at once, the one reading that makes a single
    depth-aware operator. Keys and values are taken at half resolution at the low level, as CvT
    does. Without the depth stream it is self-attention.
    """

    def __init__(self, config: MADVNetConfig, level: int) -> None:
        super().__init__()
        dim, side, kind = config.dims[level], config.sides[level], config.projection
        stride = 2 if level == 0 else 1
        self.heads = config.heads[level]
        self.norm_x = nn.LayerNorm(dim)
        if config.depth:
            self.norm_y = nn.LayerNorm(dim)
        self.query = projection(kind, dim, side)
        self.key_x = projection(kind, dim, side, stride)
        if config.depth:
            self.key_y = projection(kind, dim, side, stride)
        self.value_x = projection(kind, dim, side, stride)
        if config.depth:
            self.value_y = projection(kind, dim, side, stride)
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, around: Around, kept: Tensor | None) -> Step:
        """Keys are not discarded here: their grid is another."""
        x, seen = self.norm_x(tokens), None
        if around.depth is None:
            keys, values = self.key_x(x), self.value_x(x)
        else:
            y = self.norm_y(around.depth)
            keys = torch.cat([self.key_x(x), self.key_y(y)], dim=2)
            values = torch.cat([self.value_x(x), self.value_y(y)], dim=2)
            if around.depth_known is not None:
                is_texture = torch.arange(keys.shape[2], device=keys.device) < keys.shape[2] // 2
                seen = (is_texture | around.depth_known[:, None])[:, None]
        query = self.query(x)
        if around.maps is not None:
            heeded = cls_attention(query, keys, self.heads)
            both = 1 if around.depth is None else 2
            around.maps.append(heeded.unflatten(-1, (both, -1)).sum(dim=-2))
        attended = attend(query, keys, values, self.heads, seen)
        return tokens + self.out(attended), kept


class SpatialAttention(nn.Module):
    """Attention among the tokens of one frame."""

    def __init__(self, config: MADVNetConfig, level: int) -> None:
        super().__init__()
        dim, side = config.dims[level], config.sides[level]
        self.heads, self.keys_kept = config.heads[level], keys_kept(config, level)
        self.norm = nn.LayerNorm(dim)
        self.query, self.key, self.value = (
            projection(config.projection, dim, side) for _ in range(3)
        )
        self.out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, around: Around, kept: Tensor | None) -> Step:
        """[B, T, N, D] and the keys [B, T, N] to look at -> the same of the next block."""
        x = self.norm(tokens)
        query, key = self.query(x), self.key(x)
        if around.maps is not None:
            around.maps.append(cls_attention(query, key, self.heads))
        attended = attend(query, key, self.value(x), self.heads, kept)
        out = tokens + self.out(attended)
        if self.keys_kept == 1:
            return out, kept
        return out, strongest(cls_attention(query, key, self.heads), self.keys_kept)


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
    """Space, then time, then MLP (Eq. 16); meant for the mid level."""

    def __init__(self, config: MADVNetConfig, level: int) -> None:
        super().__init__()
        dim = config.dims[level]
        self.space = SpatialAttention(config, level)
        self.time = TemporalAttention(dim, config.heads[level])
        self.mlp = Mlp(dim, config.mlp_ratio)

    def forward(self, tokens: Tensor, around: Around, kept: Tensor | None) -> Step:
        """Looks at nothing but the tokens."""
        tokens, kept = self.space(tokens, around, kept)
        return self.mlp(self.time(tokens)), kept


class DotProductBlock(nn.Module):
    """Half the heads look in space, a quarter each in time and at AUs (ViViT model 4).

    Meant for the high level. The AU heads take visual queries and the AU tokens as keys and values;
    without the AU stream they look in space.
    """

    def __init__(self, config: MADVNetConfig, level: int) -> None:
        super().__init__()
        dim, side, heads = config.dims[level], config.sides[level], config.heads[level]
        at_aus = heads - heads // 2 - heads // 4 if config.au else 0
        self.groups = (heads - heads // 4 - at_aus, heads // 4, at_aus)
        self.widths = [dim // heads * group for group in self.groups]
        self.keys_kept = keys_kept(config, level)
        self.norm = nn.LayerNorm(dim)
        if config.au:
            self.norm_au = nn.LayerNorm(config.dims[-1])
        self.query, self.key, self.value = (
            projection(config.projection, dim, side) for _ in range(3)
        )
        if config.au:
            self.au_key_value = nn.Linear(config.dims[-1], 2 * self.widths[2])
        self.out = nn.Linear(dim, dim)
        self.mlp = Mlp(dim, config.mlp_ratio)

    def forward(self, tokens: Tensor, around: Around, kept: Tensor | None) -> Step:
        """Keys are discarded among those looked at in space."""
        x = self.norm(tokens)
        q_space, q_time, q_au = self.query(x).split(self.widths, dim=-1)
        k_space, k_time, _ = self.key(x).split(self.widths, dim=-1)
        v_space, v_time, _ = self.value(x).split(self.widths, dim=-1)
        if around.maps is not None:
            around.maps.append(cls_attention(q_space, k_space, self.groups[0]))
        units = None
        if around.au is not None:
            k_au, v_au = self.au_key_value(self.norm_au(around.au))[:, None].chunk(2, dim=-1)
            units = (k_au, v_au)
        found = [attend(q_space, k_space, v_space, self.groups[0], kept)]
        q_time, k_time, v_time = (part.transpose(1, 2) for part in (q_time, k_time, v_time))
        found.append(attend(q_time, k_time, v_time, self.groups[1]).transpose(1, 2))
        if units is not None:
            found.append(self._at_aus(q_au, *units, around.au_known))
        out: Tensor = self.mlp(tokens + self.out(torch.cat(found, dim=-1)))
        if self.keys_kept == 1:
            return out, kept
        return out, strongest(cls_attention(q_space, k_space, self.groups[0]), self.keys_kept)

    def _at_aus(self, query: Tensor, key: Tensor, value: Tensor, known: Tensor | None) -> Tensor:
        """[B, T, N, W] at two [B, 1, K, W] -> [B, T, N, W], zero where no AU is known."""
        frames, length = query.shape[1:3]
        asked = query.flatten(1, 2)[:, None]
        if known is None:
            seen = attend(asked, key, value, self.groups[2])
        else:
            some = known.any(dim=1, keepdim=True)  # a softmax over no key at all is not a number
            seen = attend(asked, key, value, self.groups[2], (known | ~some)[:, None])
            seen = seen * some[:, None, None]
        return seen.squeeze(1).unflatten(1, (frames, length))


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


def keys_kept(config: MADVNetConfig, level: int) -> float:
    """The share of its keys that a level keeps: all but the high one keep all."""
    return config.keys_kept if level == len(config.dims) - 1 else 1.0
