"""AU network: intensity change of each AU, on each side, between a reference frame and this one.

The paper's delta-V (models chapter: V_x - V_t) is predicted directly from the pair, because the
difference of two independent intensity estimates is noisier than the motion it should show.
"""

import torch
from torch import Tensor, nn

from training.models.blocks import Luma, Residual, conv, standardised
from worker.specs import AU_COUNT, SIDES

_DIFFERENCE_GAIN = 4.0
_MAP = 7 * 7


class AUNet(nn.Module):
    """Siamese by early fusion: reference, current and their difference enter as channels."""

    def __init__(self, width: int = 24, dropout: float = 0.1) -> None:
        super().__init__()
        self.luma = Luma()
        self.body = nn.Sequential(
            conv(3, width, 5, 2),
            conv(width, 2 * width, 3, 2),
            Residual(2 * width),
            conv(2 * width, 3 * width, 3, 2),
            Residual(3 * width),
            conv(3 * width, 4 * width, 3, 2),
            Residual(4 * width),
            conv(4 * width, 32, 1),
        )
        # The crop is aligned, so where something moves says which AU it is: no global pooling.
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(32 * _MAP, len(SIDES) * AU_COUNT)
        )

    def forward(self, crops: Tensor, reference: Tensor) -> Tensor:
        """uint8 crops [N, C, 112, 112], reference [N or 1, C, 112, 112] -> f32 [N, 2, K] (FACS)."""
        now, rest = self.luma(crops), self.luma(reference)
        rest = rest.expand_as(now)
        now = standardised(now, now)
        rest = standardised(rest, rest)
        features = self.body(torch.cat([now, rest, _DIFFERENCE_GAIN * (now - rest)], dim=1))
        change: Tensor = self.head(features).unflatten(1, (len(SIDES), AU_COUNT))
        return change
