"""Where the class tokens look, as pictures of one size."""

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as fn

from training.models.madvnet.config import MADVNetConfig


def level_map(maps: Sequence[Tensor], config: MADVNetConfig) -> Tensor:
    """The last of a level's maps [B, T', 1+N] on the frames and places of the clip: [B, T, S, S].

    The class token's attention to itself is left out and the rest rescaled, so each picture sums
    to 1. S is the low level's side; a frame has the map of the step it went into.
    """
    places = maps[-1][:, :, 1:]
    places = places / places.sum(dim=-1, keepdim=True).clamp(min=1e-12)
    side = math.isqrt(places.shape[-1])
    pictures = places.unflatten(-1, (side, side))
    large = fn.interpolate(pictures, size=(config.sides[0], config.sides[0]), mode="nearest")
    large = large / large.sum(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    return large.repeat_interleave(config.frames // large.shape[1], dim=1)
