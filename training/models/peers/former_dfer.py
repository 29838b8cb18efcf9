"""Former-DFER (Zhao, Liu, ACM MM 2021): a transformer in each frame, another one over frames."""

import torch
from torch import Tensor, nn
from transformers.models.resnet.modeling_resnet import ResNetStage

from training.models.peers.config import PeerConfig
from training.models.peers.frame_by_frame import resnet18

_HEADS = 8
_TEMPORAL_BLOCKS = 3


class FormerDFER(nn.Module):
    """ResNet-18 with one transformer block before its last stage; three blocks over the frames."""

    def __init__(self, config: PeerConfig) -> None:
        super().__init__()
        inner, outer = 4 * config.width, 8 * config.width
        side = -(-config.side // 16)
        self.below = resnet18(config.width, stages=3)
        self.place = nn.Parameter(torch.randn(1, side * side, inner) * 0.02)
        self.in_space = _transformer(inner, 1)
        self.above = ResNetStage(self.below.config, inner, outer, stride=2, depth=2)
        self.cls = nn.Parameter(torch.randn(1, 1, outer) * 0.02)
        self.moment = nn.Parameter(torch.randn(1, 1 + config.frames, outer) * 0.02)
        self.in_time = _transformer(outer, _TEMPORAL_BLOCKS)
        self.head = nn.Sequential(nn.LayerNorm(outer), nn.Linear(outer, config.classes))

    def forward(self, video: Tensor) -> Tensor:
        """[B, 1, T, S, S] -> [B, classes]."""
        batch, _, frames = video.shape[:3]
        grid = self.below(video.transpose(1, 2).flatten(0, 1)).last_hidden_state
        tokens = self.in_space(grid.flatten(2).transpose(1, 2) + self.place)
        grid = self.above(tokens.transpose(1, 2).unflatten(2, grid.shape[2:]))
        seen = grid.mean(dim=(2, 3)).unflatten(0, (batch, frames))
        sequence = torch.cat([self.cls.expand(batch, -1, -1), seen], dim=1) + self.moment
        logits: Tensor = self.head(self.in_time(sequence)[:, 0])
        return logits


def _transformer(dim: int, blocks: int) -> nn.TransformerEncoder:
    """Pre-norm blocks, MLP of twice the width."""
    block = nn.TransformerEncoderLayer(
        dim, _HEADS, 2 * dim, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(block, blocks, enable_nested_tensor=False)
