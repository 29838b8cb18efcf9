"""MADV-Net (Kong, You, Lv, Sensors 2025, 25(10):3175), every part of it a matter of configuration.

The paper names the parts and gives almost no numbers. What it leaves open is our choice; the
reasons stand beside each part and in `docs/madvnet.md`.
"""

from training.models.madvnet.config import PAPER, SIZES, XS, XXS, MADVNetConfig, S
from training.models.madvnet.network import MADVNet, MADVNetOutput

__all__ = ["PAPER", "SIZES", "XS", "XXS", "MADVNet", "MADVNetConfig", "MADVNetOutput", "S"]
