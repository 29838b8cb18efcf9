"""LEARNet (Verma et al., IEEE TIP 29, 2020), layer by layer as its authors published it.

Four rows of strided convolutions; every second one hears of the row beside it and is normalised.
Padding is even on both sides, where that of Keras is at one side.
"""

import torch
from torch import Tensor, nn

FEATURES = 256
_ROWS = 4
_STEM = 16
_DROPOUT = 0.5


class LEARNetBody(nn.Module):
    """A picture to what is found in it."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        smallest = -(-side // 32)
        self.stem = _strided(channels, _STEM, 3)
        self.first = nn.ModuleList(_strided(_STEM, 16, 1) for _ in range(_ROWS))
        self.first_norms = nn.ModuleList(nn.BatchNorm2d(16) for _ in range(_ROWS // 2))
        self.second = nn.ModuleList(_strided(16, 32, 3) for _ in range(_ROWS))
        self.second_norms = nn.ModuleList(nn.BatchNorm2d(32) for _ in range(_ROWS // 2))
        self.third = nn.ModuleList(_strided(32, 64, 5) for _ in range(_ROWS))
        self.head = nn.Sequential(
            nn.BatchNorm2d(_ROWS * 64),
            _strided(_ROWS * 64, FEATURES, 3),
            nn.Flatten(),
            nn.Linear(FEATURES * smallest**2, FEATURES),
            nn.ReLU(),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """[B, channels, S, S] -> [B, 256]."""
        stem = self.stem(picture)
        rows = [row(stem) for row in self.first]
        rows = [
            row(seen)
            for row, seen in zip(self.second, _beside(rows, self.first_norms), strict=True)
        ]
        rows = [
            row(seen)
            for row, seen in zip(self.third, _beside(rows, self.second_norms), strict=True)
        ]
        features: Tensor = self.head(torch.cat(rows, dim=1))
        return features


class LEARNet(nn.Module):
    """The body and its classifier."""

    def __init__(self, channels: int, side: int, classes: int) -> None:
        super().__init__()
        self.body = LEARNetBody(channels, side)
        self.classifier = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(FEATURES, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 1, channels, S, S] -> logits [B, classes]."""
        logits: Tensor = self.classifier(self.body(pictures[:, 0]))
        return logits


def _beside(rows: list[Tensor], norms: nn.ModuleList) -> list[Tensor]:
    """The first of each two rows as it is, the second with the first added to it."""
    seen = []
    for pair, norm in enumerate(norms):
        left, right = rows[2 * pair : 2 * pair + 2]
        seen += [left, norm(left + right)]
    return seen


def _strided(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Halves the sides."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2), nn.ReLU())
