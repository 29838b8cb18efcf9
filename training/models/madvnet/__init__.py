"""MADV-Net (Kong, You, Lv, Sensors 2025, 25(10):3175), configuration S.

The paper names the parts and gives almost no numbers. What it leaves open is our choice; the
reasons stand beside each part.
"""

from training.models.madvnet.config import MADVNetConfig
from training.models.madvnet.network import MADVNet, MADVNetOutput

__all__ = ["MADVNet", "MADVNetConfig", "MADVNetOutput"]
