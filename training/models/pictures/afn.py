"""AFN (Man et al., arXiv 2510.09730, 2025), reconstructed from its abstract.

One branch sees TRDI, one MIDI; how much each says is learnt. Branches and gate are ours.
"""

from typing import Final

import torch
from torch import Tensor, nn

from training.models.pictures.config import Fusion
from training.models.pictures.learnet import FEATURES, LEARNetBody

_DROPOUT: Final = 0.5


class AFN(nn.Module):
    """Two bodies of LEARNet that share nothing, joined feature by feature."""

    def __init__(self, channels: int, side: int, classes: int, fusion: Fusion) -> None:
        super().__init__()
        self.fusion = fusion
        self.branches = nn.ModuleList(LEARNetBody(channels, side) for _ in range(2))
        self.gate = nn.Linear(2 * FEATURES, FEATURES) if fusion == "gate" else None
        width = 2 * FEATURES if fusion == "concat" else FEATURES
        self.classifier = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(width, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 2, channels, S, S] -> logits [B, classes]."""
        found = [branch(pictures[:, place]) for place, branch in enumerate(self.branches)]
        logits: Tensor = self.classifier(self._joined(*found))
        return logits

    def _joined(self, by_time: Tensor, by_motion: Tensor) -> Tensor:
        both = torch.cat([by_time, by_motion], dim=1)
        if self.gate is not None:
            share = self.gate(both).sigmoid()
            return share * by_time + (1 - share) * by_motion
        return both if self.fusion == "concat" else by_time + by_motion
