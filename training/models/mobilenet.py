"""MobileNetV3-small by its published table, untrained: a yardstick for speed, nothing else.

Source: Howard et al., "Searching for MobileNetV3", 2019, Table 2.
"""

from typing import Final

from torch import Tensor, nn

# Kernel, expansion, output channels, squeeze-and-excite, hard-swish instead of ReLU, stride.
_ROWS: Final = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
_STEM: Final = 16
_LAST: Final = 576
_HIDDEN: Final = 1024
_CLASSES: Final = 1000


class SqueezeExcite(nn.Module):
    """Channels weighted by what their averages say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(8, channels // 4 // 8 * 8)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, C, H, W]."""
        weighted: Tensor = features * self.weigh(features)
        return weighted


class Bottleneck(nn.Module):
    """Expand, filter each channel, weigh, project; added to its input where shapes allow."""

    def __init__(self, channels: int, row: tuple[int, int, int, bool, bool, int]) -> None:
        super().__init__()
        kernel, inner, output, is_weighted, is_swish, stride = row
        act: type[nn.Module] = nn.Hardswish if is_swish else nn.ReLU
        expand = [] if inner == channels else [*_conv(channels, inner, 1), act()]
        weigh = [SqueezeExcite(inner)] if is_weighted else []
        self.body = nn.Sequential(
            *expand,
            *_conv(inner, inner, kernel, stride, inner),
            act(),
            *weigh,
            *_conv(inner, output, 1),
        )
        self.is_residual = stride == 1 and channels == output

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, C, H, W]."""
        moved: Tensor = self.body(features)
        return features + moved if self.is_residual else moved


def mobilenet_v3_small() -> nn.Sequential:
    """Network from f32 [N, 3, H, W] to f32 [N, 1000] with random weights."""
    layers: list[nn.Module] = [*_conv(3, _STEM, 3, 2), nn.Hardswish()]
    channels = _STEM
    for row in _ROWS:
        layers.append(Bottleneck(channels, row))
        channels = row[2]
    layers += [*_conv(channels, _LAST, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Linear(_LAST, _HIDDEN), nn.Hardswish(), nn.Linear(_HIDDEN, _CLASSES)]
    return nn.Sequential(*layers)


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
