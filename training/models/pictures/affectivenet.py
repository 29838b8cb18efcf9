"""AffectiveNet (Verma et al., IEEE MultiMedia 28(1), 2021), reconstructed from its abstract.

Known are the affective-motion image, four streams of convolutions (MICRoFeat, for coarse and tiny
edges alike) and learning from two intermediate layers (MFL). Sizes are ours.
"""

import torch
from torch import Tensor, nn

_STEM = 16
_WIDTHS = (16, 32)
_DEEP = 128
_SQUEEZED = 32
_FEATURES = 128
_DROPOUT = 0.5


class MICRoFeat(nn.Module):
    """Four sizes of kernels side by side: neighbours in size are added, both sums set side by side.

    A 3x3 convolution joins them.
    """

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            _conv(inputs, width, kernel, stride) for kernel in (3, 5, 7, 11)
        )
        self.joined = nn.Sequential(
            nn.BatchNorm2d(2 * width),
            _conv(2 * width, 2 * width, 3, stride),
            nn.BatchNorm2d(2 * width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, 2 * width, H / stride^2, W / stride^2]."""
        three, five, seven, eleven = (stream(features) for stream in self.streams)
        found: Tensor = self.joined(torch.cat([three + five, seven + eleven], dim=1))
        return found


class AffectiveNet(nn.Module):
    """Two MICRoFeat blocks, MFL at the last of them and one layer deeper."""

    def __init__(self, channels: int, side: int, classes: int) -> None:
        super().__init__()
        first, second = _WIDTHS
        smallest = -(-side // 16)
        self.stem = _conv(channels, _STEM, 3, 2)
        self.micro = nn.Sequential(MICRoFeat(_STEM, first, 2), MICRoFeat(2 * first, second, 1))
        self.deeper = nn.Sequential(_conv(2 * second, _DEEP, 3, 2), nn.BatchNorm2d(_DEEP))
        self.shallow_features = _mfl(_conv(2 * second, _SQUEEZED, 3, 2), smallest)
        self.deep_features = _mfl(_conv(_DEEP, _SQUEEZED, 1, 1), smallest)
        self.classifier = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(2 * _FEATURES, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 1, channels, S, S] -> logits [B, classes]."""
        shallow = self.micro(self.stem(pictures[:, 0]))
        deep = self.deeper(shallow)
        found = [self.shallow_features(shallow), self.deep_features(deep)]
        logits: Tensor = self.classifier(torch.cat(found, dim=1))
        return logits


def _mfl(squeeze: nn.Module, side: int) -> nn.Sequential:
    """Micro-feature learning: fewer channels, all places kept, one linear layer."""
    places = _SQUEEZED * side**2
    return nn.Sequential(squeeze, nn.Flatten(), nn.Linear(places, _FEATURES), nn.ReLU())


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.ReLU())
