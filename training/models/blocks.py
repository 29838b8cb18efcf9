"""Building blocks shared by the networks."""

import torch
from torch import Tensor, nn

_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as cameras and OpenCV weigh RGB."""


class Luma(nn.Module):
    """uint8 [..., 3, H, W] RGB, or [..., 1, H, W] gray, to float [..., 1, H, W] in 0..1."""

    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(_LUMA).view(3, 1, 1) / 255, persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Weighted sum over the channel axis."""
        if crops.shape[-3] == 1:
            return crops.float() / 255
        return (crops.float() * self.weights).sum(dim=-3, keepdim=True)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU, same size at stride 1."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Same shape in and out."""
        out: Tensor = torch.relu(features + self.body(features))
        return out


def standardised(pictures: Tensor, like: Tensor) -> Tensor:
    """`pictures` with the mean and spread of `like` [..., 1, H, W] removed: gain and offset go."""
    mean = like.mean(dim=(-2, -1), keepdim=True)
    spread = (like - mean).square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return (pictures - mean) / (spread + 0.02)


def per_clip_standard(video: Tensor) -> Tensor:
    """Zero mean and unit spread over a whole clip [B, T, C, H, W]: frames stay comparable."""
    mean = video.mean(dim=(1, 2, 3, 4), keepdim=True)
    spread = (video - mean).square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
    return (video - mean) / (spread + 1e-3)
