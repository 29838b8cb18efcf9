"""ResNet-18 on every frame, a recurrent network over what it finds (DFEW baselines)."""

from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

from training.models.peers.config import PeerConfig

_LAYERS = 3
_HIDDEN = 4
"""Of each recurrent layer, in widths: 256 as published."""


class Recurrent(nn.Module):
    """ResNet-18, three recurrent layers, all their outputs side by side into one linear layer."""

    def __init__(self, config: PeerConfig, *, cell: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        hidden = _HIDDEN * config.width
        self.frame = resnet18(config.width)
        self.over_time = cell(8 * config.width, hidden, _LAYERS, batch_first=True)
        self.head = nn.Linear(config.frames * hidden, config.classes)

    def forward(self, video: Tensor) -> Tensor:
        """[B, 1, T, S, S] -> [B, classes]."""
        batch, _, frames = video.shape[:3]
        seen = self.frame(video.transpose(1, 2).flatten(0, 1)).pooler_output.flatten(1)
        found, _ = self.over_time(seen.unflatten(0, (batch, frames)))
        logits: Tensor = self.head(found.flatten(1))
        return logits


def resnet18(width: int, stages: int = 4) -> ResNetModel:
    """The first stages of ResNet-18 on one channel, without a head."""
    channels = [width, 2 * width, 4 * width, 8 * width][:stages]
    return ResNetModel(
        ResNetConfig(
            num_channels=1,
            embedding_size=width,
            hidden_sizes=channels,
            depths=[2] * stages,
            layer_type="basic",
        )
    )
