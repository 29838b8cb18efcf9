"""Tube-masked self-supervised pre-training of MADV-Net: fill in what is hidden of the video.

After VideoMAE (Tong et al., 2022), with the change between two frames as part of what is asked for,
as MAE-DFER has it. Its convolutions need the whole picture, so tubes are painted over, not removed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.clip_batch import enlarged, mirrored
from training.loop import Batch
from training.models.blocks import per_clip_standard
from training.models.madvnet import MADVNet
from training.models.madvnet.network import Streams

_HIDDEN = 0.75
"""Share of the tubes that is painted over."""
_CELLS = 2
"""Low-level places along one side of a tube: 16 pixels of a crop of 112."""
_PAIR = 2
"""Frames of one low-level step."""


class Reconstructor(nn.Module):
    """MADV-Net without its heads, and one convolution from its levels to pixels."""

    def __init__(self, network: MADVNet) -> None:
        super().__init__()
        self.network = network
        self.cell = network.config.side // network.config.sides[0]
        self.pixels = nn.Conv3d(sum(network.config.dims), _PAIR * self.cell**2, 1)

    def forward(self, crops: Tensor, depth: Tensor, hidden: Tensor) -> Tensor:
        """uint8 crops [B, T, 1, S, S], depth [B, T, 1, S, S], hidden places bool [B, S', S'].

        Gives, for each low-level place, what `asked` names: [B, T/2, S', S', 2 * cell²]. AUs are
        withheld: they are measured on the whole face.
        """
        painted = hidden.repeat_interleave(self.cell, 1).repeat_interleave(self.cell, 2)
        covered = [_painted(stream, painted[:, None, None]) for stream in (crops, depth)]
        levels = self.network.pyramid(Streams(covered[0], covered[1], None)).levels
        size = levels[0].above.shape[2:]
        grids = [fn.interpolate(level.above, size=size, mode="nearest") for level in levels]
        pixels: Tensor = self.pixels(torch.cat(grids, dim=1))
        return pixels.permute(0, 2, 3, 4, 1)


def missed(model: nn.Module, batch: Batch) -> Tensor:
    """Mean squared error over the hidden places."""
    crops, depth, _, _ = mirrored(batch)
    filler = getattr(model, "module", model)  # what several processes train is wrapped
    if not isinstance(filler, Reconstructor):
        raise TypeError(type(filler))
    hidden = tubes(len(crops), filler.network.config.sides[0], crops.device)
    guess = model(crops, enlarged(depth, crops), hidden).float()
    truth = asked(per_clip_standard(crops.float()), filler.cell)
    error = (guess - truth).square().mean(dim=(1, 4))
    return error[hidden].mean()


def asked(video: Tensor, cell: int) -> Tensor:
    """Of a video [B, T, 1, S, S]: each place of each second frame, and its change to the next.

    Both are scaled to unit spread, the first within its place; [B, T/2, S/cell, S/cell, 2 * cell²].
    """
    cells = video[:, :, 0].unflatten(3, (-1, cell)).unflatten(2, (-1, cell))
    patches = cells.transpose(3, 4).flatten(4)
    first, second = patches[:, ::_PAIR], patches[:, 1::_PAIR]
    change = second - first
    look = (first - first.mean(dim=-1, keepdim=True)) / (first.std(dim=-1, keepdim=True) + 1e-3)
    spread = change.square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
    return torch.cat([look, change / (spread + 1e-3)], dim=-1)


def tubes(batch: int, side: int, device: torch.device) -> Tensor:
    """Hidden places bool [B, side, side], the same in every frame; drawn anew at each call."""
    coarse = -(-side // _CELLS)
    order = torch.rand(batch, coarse * coarse, device=device).argsort(dim=1)
    hidden = (order < round(_HIDDEN * coarse * coarse)).unflatten(1, (coarse, coarse))
    large = hidden.repeat_interleave(_CELLS, 1).repeat_interleave(_CELLS, 2)
    return large[:, :side, :side]


def _painted(stream: Tensor, where: Tensor) -> Tensor:
    """A stream [B, T, C, S, S] with the mean of each clip where it is hidden."""
    mean = stream.float().mean(dim=(1, 2, 3, 4), keepdim=True).to(stream.dtype)
    return torch.where(where, mean, stream)
