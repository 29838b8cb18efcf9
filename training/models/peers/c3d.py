"""C3D (Tran et al., ICCV 2015), with batch norm as the DFEW baseline has it."""

from torch import Tensor, nn

from training.models.peers.config import PeerConfig

_STAGES = ((1,), (2,), (4, 4), (8, 8), (8, 8))
"""Channels of each convolution of a stage, in widths."""
_HIDDEN = 64
_DROPOUT = 0.5


class C3D(nn.Module):
    """Five stages of 3x3x3 convolutions with pooling, two hidden linear layers."""

    def __init__(self, config: PeerConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, frames, side = 1, config.frames, config.side
        for stage, channels in enumerate(_STAGES):
            for share in channels:
                layers += _convolution(inputs, share * config.width)
                inputs = share * config.width
            over_time = 1 if stage == 0 or frames == 1 else 2
            layers.append(nn.MaxPool3d((over_time, 2, 2), ceil_mode=True))
            frames, side = -(-frames // over_time), -(-side // 2)
        hidden = _HIDDEN * config.width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(inputs * frames * side * side, hidden), nn.ReLU(), nn.Dropout(_DROPOUT)),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(_DROPOUT)),
            nn.Linear(hidden, config.classes),
        )

    def forward(self, video: Tensor) -> Tensor:
        """[B, 1, T, S, S] -> [B, classes]."""
        logits: Tensor = self.head(self.features(video))
        return logits


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv3d(inputs, outputs, 3, padding=1),
        nn.BatchNorm3d(outputs),
        nn.ReLU(inplace=True),
    ]
