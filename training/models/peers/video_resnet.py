"""3D ResNet-18 and R(2+1)D-18 (Tran et al., CVPR 2018), in torchvision's layout.

Written here since torchvision has no width and no build for processors alone.
"""

from torch import Tensor, nn

from training.models.peers.config import PeerConfig

_STAGES = (1, 2, 4, 8)
"""Channels of each stage, in widths."""
_STEM_SHARE = 45 / 64
"""Of the width: what the factorised stem has between space and time."""


class VideoResNet(nn.Module):
    """Stem, four stages of two blocks, mean over space and time.

    `factorised` splits each 3x3x3 convolution into one over space and one over time, with as many
    weights as before.
    """

    def __init__(self, config: PeerConfig, *, factorised: bool) -> None:
        super().__init__()
        width = config.width
        blocks: list[nn.Module] = []
        inputs = width
        for stage, share in enumerate(_STAGES):
            outputs = share * width
            blocks.append(Block(inputs, outputs, 1 if stage == 0 else 2, factorised=factorised))
            blocks.append(Block(outputs, outputs, 1, factorised=factorised))
            inputs = outputs
        self.stem = _factorised_stem(width) if factorised else _stem(width)
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, config.classes)

    def forward(self, video: Tensor) -> Tensor:
        """[B, 1, T, S, S] -> [B, classes]."""
        logits: Tensor = self.head(self.blocks(self.stem(video)).mean(dim=(2, 3, 4)))
        return logits


class Block(nn.Module):
    """Two convolutions and a skip connection."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, factorised: bool) -> None:
        super().__init__()
        # As many weights as the block's first convolution has whole, in both.
        between = inputs * outputs * 27 // (inputs * 9 + 3 * outputs) if factorised else None
        self.body = nn.Sequential(
            _convolution(inputs, outputs, stride, between),
            *(nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)),
            _convolution(outputs, outputs, 1, between),
            nn.BatchNorm3d(outputs),
        )
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.skip = nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs)
            )

    def forward(self, grid: Tensor) -> Tensor:
        """[B, C, T, H, W] -> [B, C', T', H', W']."""
        out: Tensor = (self.body(grid) + self.skip(grid)).relu()
        return out


def _convolution(inputs: int, outputs: int, stride: int, between: int | None) -> nn.Module:
    """3x3x3, or 1x3x3 and 3x1x1 with so many channels between."""
    if between is None:
        return nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(
        nn.Conv3d(inputs, between, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
        *(nn.BatchNorm3d(between), nn.ReLU(inplace=True)),
        nn.Conv3d(between, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
    )


def _stem(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(1, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False),
        *(nn.BatchNorm3d(width), nn.ReLU(inplace=True)),
    )


def _factorised_stem(width: int) -> nn.Sequential:
    between = max(1, round(_STEM_SHARE * width))
    return nn.Sequential(
        nn.Conv3d(1, between, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
        *(nn.BatchNorm3d(between), nn.ReLU(inplace=True)),
        nn.Conv3d(between, width, (3, 1, 1), 1, (1, 0, 0), bias=False),
        *(nn.BatchNorm3d(width), nn.ReLU(inplace=True)),
    )
