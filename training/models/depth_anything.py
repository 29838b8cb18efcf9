"""Depth Anything V2 in the depth slot: crops as served in, inverse depth as served out.

The class is that of `transformers`; the weights are read from a local folder in the layout of
`save_pretrained` and never downloaded. What Depth Anything wants beside them (resizing, mean and
spread of the picture) becomes part of the network.
"""

import json
from pathlib import Path
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as fn
from transformers import DepthAnythingForDepthEstimation

from worker.specs import CROP_SIZE

PATCH: Final = 14
SIDE: Final = 16 * PATCH
"""Pixels it looks at: twice the crop, and whole patches. It was trained on 518."""

_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)
"""Of ImageNet, as the published weights want them; `preprocessor_config.json` goes before."""


class DepthAnything(nn.Module):
    """uint8 [N, 3, 112, 112] RGB -> f32 [N, 1, 112, 112], larger is nearer, scale unknown."""

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: tuple[float, ...] = _MEAN,
        spread: tuple[float, ...] = _SPREAD,
    ) -> None:
        super().__init__()
        self.network = network
        for name, values in (("mean", mean), ("spread", spread)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    @classmethod
    def load(cls, folder: Path) -> "DepthAnything":
        """Read weights and preprocessing.

        Raises:
            FileNotFoundError: The folder is not of the layout of `save_pretrained`.
            ValueError: The weights are not all of those that the configuration asks for.
        """
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(f"{folder} holds no config.json: not a save_pretrained folder")
        loaded = DepthAnythingForDepthEstimation.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
        # Asked what it found, it answers with a pair.
        network, found = cast(tuple[nn.Module, dict[str, set[str]]], loaded)
        if missing := sorted(found["missing_keys"]):
            raise ValueError(f"{folder} lacks {len(missing)} weights, {missing[0]} among them")
        file = folder / "preprocessor_config.json"
        stated = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        mean, spread = stated.get("image_mean", _MEAN), stated.get("image_std", _SPREAD)
        return cls(network, tuple(mean), tuple(spread)).eval()

    def forward(self, crops: Tensor) -> Tensor:
        """Enlarge, standardise, predict, shrink to the crop again."""
        large = _resized(crops.float() / 255, SIDE, "bicubic")
        depth = self.network((large - self.mean) / self.spread).predicted_depth
        return _resized(depth[:, None], CROP_SIZE, "bilinear")


def _resized(pictures: Tensor, side: int, mode: str) -> Tensor:
    return fn.interpolate(pictures, size=(side, side), mode=mode, align_corners=False)
