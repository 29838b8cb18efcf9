"""VideoMAE (Tong et al., NeurIPS 2022) at a small size, from scratch: a plain video transformer."""

from torch import Tensor, nn
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from training.models.peers.config import PUBLISHED_WIDTH, PeerConfig

_HIDDEN = 192
"""At the published width; one head for each 64 channels."""
_HEADS = 3
_BLOCKS = 6


class VideoMAE(nn.Module):
    """Six blocks over tokens of 2 x 16 x 16 pixels."""

    def __init__(self, config: PeerConfig) -> None:
        super().__init__()
        hidden = _HEADS * max(1, _HIDDEN * config.width // (_HEADS * PUBLISHED_WIDTH))
        self.body = VideoMAEForVideoClassification(
            VideoMAEConfig(
                image_size=config.side,
                num_frames=config.frames,
                num_channels=1,
                hidden_size=hidden,
                num_hidden_layers=_BLOCKS,
                num_attention_heads=_HEADS,
                intermediate_size=4 * hidden,
                id2label={label: str(label) for label in range(config.classes)},
            )
        )

    def forward(self, video: Tensor) -> Tensor:
        """[B, 1, T, S, S] -> [B, classes]."""
        logits: Tensor = self.body(video.transpose(1, 2)).logits
        return logits
