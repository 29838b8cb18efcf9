"""From 3D video to tokens (paper Eq. 2 and 13), with the inter-frame difference stem."""

import torch
from torch import Tensor, nn

from training.models.madvnet.config import Difference, MADVNetConfig


class DifferenceStem(nn.Module):
    """Conv3d, BN, MaxPool3d (Eq. 2) on the video and on its differences between frames.

    The paper adds inter-frame differences "through dynamic adaptive factors" without defining them:
    ours is a squeeze-and-excite gate per channel and frame, F = Fx + gamma * Fd. The lag is the
    onset, because one frame step moves less than sensor noise.
    """

    def __init__(self, config: MADVNetConfig, channels: int = 1) -> None:
        super().__init__()
        dim, self.difference = config.dims[0], config.difference
        self.gated = config.factor == "gate" and config.difference != "none"
        self.still = _tokeniser(channels, config)
        if self.difference != "none":
            self.moving = _tokeniser(channels * (1 + (self.difference == "both")), config)
        if self.gated:
            self.gate = nn.Sequential(
                nn.Linear(2 * dim, dim // 2), nn.GELU(), nn.Linear(dim // 2, dim)
            )

    def forward(self, video: Tensor) -> Tensor:
        """[B, C, T, S, S] -> [B, D, T/2, S', S'], S' the side of the low level."""
        still: Tensor = self.still(video)
        if self.difference == "none":
            return still
        moving: Tensor = self.moving(differences(video, self.difference))
        return still + (self._factor(still, moving) * moving if self.gated else moving)

    def _factor(self, still: Tensor, moving: Tensor) -> Tensor:
        """How much of the difference each channel of each frame takes in, 0..1."""
        seen = torch.cat([still.mean(dim=(3, 4)), moving.abs().mean(dim=(3, 4))], dim=1)
        factor: Tensor = self.gate(seen.transpose(1, 2)).sigmoid().transpose(1, 2)
        return factor[..., None, None]


def differences(video: Tensor, lag: Difference) -> Tensor:
    """[B, C, T, H, W] minus its onset or the frame before, or both as twice the channels."""
    since_onset = video - video[:, :, :1]
    if lag == "onset":
        return since_onset
    since_previous = video - torch.cat([video[:, :, :1], video[:, :, :-1]], dim=2)
    if lag == "previous":
        return since_previous
    return torch.cat([since_onset, since_previous], dim=1)


def _tokeniser(channels: int, config: MADVNetConfig) -> nn.Sequential:
    kernel, stride = config.stem_kernel, config.stem_stride
    pad = 0 if kernel == stride else kernel // 2
    return nn.Sequential(
        nn.Conv3d(
            channels,
            config.dims[0],
            (3, kernel, kernel),
            (1, stride, stride),
            (1, pad, pad),
            bias=False,
        ),
        nn.BatchNorm3d(config.dims[0]),
        nn.MaxPool3d(2),
    )


class Downscale(nn.Module):
    """The step between pyramid levels: Eq. 2 again, Conv3d, BN, MaxPool3d."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int, int]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm3d(outputs),
            nn.MaxPool3d(pool, ceil_mode=True),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """[B, D, T, H, W] -> [B, D', T', H', W']."""
        out: Tensor = self.body(grid)
        return out


class Sequencer(nn.Module):
    """Class token and learnable position embeddings (Eq. 13), factorised over space and time."""

    def __init__(self, dim: int, frames: int, side: int) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.randn(1, 1, 1, dim) * 0.02)
        self.space = nn.Parameter(torch.randn(1, 1, 1 + side * side, dim) * 0.02)
        self.time = nn.Parameter(torch.randn(1, frames, 1, dim) * 0.02)

    def forward(self, grid: Tensor, carried: Tensor | None = None) -> Tensor:
        """[B, D, T, H, W] and the class tokens [B, T, D] of the level below -> [B, T, 1+HW, D]."""
        tokens = grid.flatten(3).permute(0, 2, 3, 1)
        cls = self.cls.expand(tokens.shape[0], tokens.shape[1], -1, -1)
        if carried is not None:
            cls = cls + carried[:, :, None]
        return torch.cat([cls, tokens], dim=2) + self.space + self.time


def to_grid(tokens: Tensor, side: int) -> Tensor:
    """[B, T, 1+HW, D] without its class tokens -> [B, D, T, H, W]."""
    return tokens[:, :, 1:].permute(0, 3, 1, 2).unflatten(3, (side, side))
