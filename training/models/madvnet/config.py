"""Sizes of MADV-Net. The paper prints none; S is what two CPU cores train in an hour."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MADVNetConfig:
    """Three levels (low, mid, high); every tuple has one entry a level."""

    dims: tuple[int, int, int] = (64, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 2)
    heads: tuple[int, int, int] = (2, 4, 8)
    mlp_ratio: int = 2
    fusion_dim: int = 128
    au_hidden: int = 128
    dropout: float = 0.1
    au_dropout: float = 0.2
    """Chance that a training clip's AU stream is withheld, so that the other streams learn too."""
