"""What the AU network looks at: ways to set a reference and a current picture side by side.

Every one gives odd maps, which change sign when the two pictures are exchanged, and even maps,
which do not. The network uses that to be exactly antisymmetric. `fine` maps are of crop size,
`coarse` ones a quarter of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.blocks import conv
from training.models.flow import STRIDE, flow

_GAIN = 4.0
"""Differences of standardised pictures are small beside the pictures."""


@dataclass(frozen=True, slots=True)
class Maps:
    """f32 [N, C, S, S] and [N, C, S/4, S/4]; either coarse map may have no channels."""

    fine_odd: Tensor
    fine_even: Tensor
    coarse_odd: Tensor
    coarse_even: Tensor

    def inputs(self, sign: int) -> tuple[Tensor, Tensor]:
        """Fine and coarse channels for the order as given (1) or exchanged (-1)."""
        fine = torch.cat([sign * self.fine_odd, self.fine_even], dim=1)
        return fine, torch.cat([sign * self.coarse_odd, self.coarse_even], dim=1)


class Evidence(nn.Module):
    """How many channels its maps have; both fine maps have one."""

    fine = 2
    coarse_odd = 0
    coarse_even = 0


class Siamese(Evidence):
    """The difference and the mean of both pictures: early fusion."""

    def forward(self, rest: Tensor, now: Tensor, _: Tensor | None = None) -> Maps:
        """Standardised pictures [N, 1, S, S]."""
        nothing = rest[:, :0, ::STRIDE, ::STRIDE]
        return Maps(_GAIN * (now - rest), (now + rest) / 2, nothing, nothing)


class Correlation(Evidence):
    """Early fusion and a local correlation of learned features, up to 8 px in every direction."""

    reach = 2
    channels = 24
    coarse_odd = ((2 * reach + 1) ** 2) // 2
    coarse_even = coarse_odd + 1

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(1, 16, 5, 2), conv(16, self.channels, 3, 2), nn.Conv2d(self.channels, 24, 1)
        )

    def forward(self, rest: Tensor, now: Tensor, _: Tensor | None = None) -> Maps:
        """Standardised pictures [N, 1, S, S]."""
        a, b = (fn.normalize(self.features(picture), dim=1) for picture in (rest, now))
        both = {shift: _match(a, b, shift) for shift in self._shifts()}
        half = [shift for shift in self._shifts() if shift > (0, 0)]
        opposite = [(-y, -x) for y, x in half]
        odd = [both[s] - both[o] for s, o in zip(half, opposite, strict=True)]
        even = [both[s] + both[o] for s, o in zip(half, opposite, strict=True)]
        return Maps(
            _GAIN * (now - rest),
            (now + rest) / 2,
            torch.cat(odd, dim=1),
            torch.cat([both[0, 0], *even], dim=1),
        )

    def _shifts(self) -> list[tuple[int, int]]:
        reach = range(-self.reach, self.reach + 1)
        return [(y, x) for y in reach for x in reach]


def _match(a: Tensor, b: Tensor, shift: tuple[int, int]) -> Tensor:
    """<a(p), b(p + d)> + <a(p - d), b(p)>: exchanging a and b is the same as negating d."""
    there = (a * _shifted(b, shift)).sum(dim=1, keepdim=True)
    return there + _shifted(there, (-shift[0], -shift[1]))


def _shifted(maps: Tensor, shift: tuple[int, int]) -> Tensor:
    """maps(p + shift), zero outside."""
    y, x = shift
    height, width = maps.shape[-2:]
    wide = fn.pad(maps, (max(-x, 0), max(x, 0), max(-y, 0), max(y, 0)))
    top, left = max(y, 0), max(x, 0)
    return wide[..., top : top + height, left : left + width]


class Flow(Evidence):
    """Early fusion and the optical flow between the pictures."""

    coarse_odd = 2
    coarse_even = 3

    def forward(self, rest: Tensor, now: Tensor, known: Tensor | None = None) -> Maps:
        """Standardised pictures [N, 1, S, S]; `known` is their flow and texture, if it is."""
        if known is None:
            with torch.no_grad(), torch.autocast("cpu", enabled=False):
                known = torch.cat(flow(rest, now), dim=1)
        motion, texture = known.split((self.coarse_odd, self.coarse_even), dim=1)
        return Maps(_GAIN * (now - rest), (now + rest) / 2, motion, texture)
