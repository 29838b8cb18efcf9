"""Depth network: affine-invariant inverse depth of a face crop, one frame at a time.

A distilled stand-in for Depth Anything (the paper's depth model): trained on the exact depth of the
3D face behind each portrait, and on how it changes from one frame of a clip to another.
Normalisation happens per clip in MADV-Net, never per frame.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.blocks import Luma, Residual, conv, standardised
from worker.specs import CROP_SIZE


class DepthNet(nn.Module):
    """Small U-Net; output in eye distances, larger is nearer."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.luma = Luma()
        self.stem = conv(1, width, 5, 2)
        self.down1 = nn.Sequential(conv(width, 2 * width, 3, 2), Residual(2 * width))
        self.down2 = nn.Sequential(conv(2 * width, 4 * width, 3, 2), Residual(4 * width))
        self.down3 = nn.Sequential(conv(4 * width, 6 * width, 3, 2), Residual(6 * width))
        self.up2 = conv(10 * width, 4 * width)
        self.up1 = conv(6 * width, 2 * width)
        self.up0 = conv(3 * width, width)
        self.out = nn.Conv2d(width, 1, 3, 1, 1)

    def coarse(self, crops: Tensor) -> Tensor:
        """uint8 [N, C, 112, 112] -> f32 [N, 1, 56, 56]."""
        picture = self.luma(crops)
        x0 = self.stem(standardised(picture, picture))
        x1 = self.down1(x0)
        x2 = self.down2(x1)
        x = self.up2(torch.cat([_double(self.down3(x2)), x2], dim=1))
        x = self.up1(torch.cat([_double(x), x1], dim=1))
        x = self.up0(torch.cat([_double(x), x0], dim=1))
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 is coarser than an event
            depth: Tensor = self.out(x.float())
        return depth

    def forward(self, crops: Tensor) -> Tensor:
        """uint8 [N, C, 112, 112] -> f32 [N, 1, 112, 112]."""
        return fn.interpolate(
            self.coarse(crops), size=(CROP_SIZE, CROP_SIZE), mode="bilinear", align_corners=False
        )


def _double(features: Tensor) -> Tensor:
    return fn.interpolate(features, scale_factor=2.0, mode="nearest")
