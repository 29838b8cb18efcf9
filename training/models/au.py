"""AU network: intensity change of each AU, on each side, between a reference frame and this one.

The paper's delta-V (models chapter: V_x - V_t) is predicted directly from the pair, because the
difference of two independent intensity estimates is noisier than the motion it should show.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.models.au_evidence import Evidence, Flow, Maps, Siamese
from training.models.blocks import Luma, Residual, conv, standardised
from training.models.flow import STRIDE
from worker.specs import AU_COUNT, AU_NUMBERS, CROP_SIZE, SIDES


@dataclass(frozen=True, slots=True)
class Region:
    """Rows of the crop that tell some AUs. Multiples of 16; columns are all used."""

    rows: tuple[int, int]
    units: tuple[int, ...]

    @property
    def columns(self) -> list[int]:
        """Places of the units in AU order."""
        return [AU_NUMBERS.index(unit) for unit in self.units]


REGIONS: Final = (
    Region((0, 64), (1, 2, 4, 5, 6, 7, 45)),
    Region((32, CROP_SIZE), (9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)),
)
"""Brows and eyelids are read off the upper face alone, down to the tip of the nose.

Over the whole crop a network learns which mouths go with which brows in its training data, and
real faces do not keep to that.
"""
_BOTTLENECK = 32
_DIRECT_GAIN = 0.1
"""The linear part starts at zero and has many correlated inputs: smaller ones, smaller steps."""


class RegionNet(nn.Module):
    """One region's maps to the change of its AUs: what is linear in them, and a network's rest."""

    def __init__(self, region: Region, evidence: Evidence, width: int, dropout: float) -> None:
        super().__init__()
        self.region = region
        self.odd = evidence.coarse_odd
        fine, coarse = evidence.fine * STRIDE**2, evidence.coarse_odd + evidence.coarse_even
        self.body = nn.Sequential(
            conv(fine + coarse, 2 * width),
            Residual(2 * width),
            conv(2 * width, 4 * width, 3, 2),
            Residual(4 * width),
            conv(4 * width, 5 * width, 3, 2),
            Residual(5 * width),
            conv(5 * width, _BOTTLENECK, 1),
        )
        # The crop is aligned, so where something moves says which AU it is: no global pooling.
        area = (region.rows[1] - region.rows[0]) * CROP_SIZE
        outputs = len(SIDES) * len(region.units)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(_BOTTLENECK * area // 16**2, outputs)
        self.direct = nn.Parameter(torch.zeros(self.odd * area // STRIDE**2, outputs))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Maps of the whole crop, f32 [N, C, S, S] and [N, C, S/4, S/4] -> f32 [N, 2, units]."""
        top, bottom = self.region.rows
        seen = fn.pixel_unshuffle(fine[:, :, top:bottom], STRIDE)
        around = coarse[:, :, top // STRIDE : bottom // STRIDE]
        features = self.body(torch.cat([seen, around], dim=1)).flatten(1)
        change: Tensor = self.head(self.dropout(features))
        change = change + self.linear(coarse) @ self.direct
        return change.unflatten(1, (len(SIDES), len(self.region.units)))

    def linear(self, coarse: Tensor) -> Tensor:
        """What `direct` reads: the odd ones of the whole crop's coarse maps, f32 [N, features]."""
        top, bottom = (row // STRIDE for row in self.region.rows)
        return _DIRECT_GAIN * coarse[:, : self.odd, top:bottom].flatten(1)


class AUNet(nn.Module):
    """Region networks over one kind of evidence.

    In training one order of the pair is read; afterwards both orders are, and half their
    difference is the answer: exchanging reference and current negates it exactly, and a crop
    against itself gives exactly zero.
    """

    def __init__(
        self,
        evidence: Evidence | None = None,
        width: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.luma = Luma()
        self.evidence = evidence or Flow()
        self.regions = nn.ModuleList(
            RegionNet(region, self.evidence, width, dropout) for region in REGIONS
        )
        columns = [column for region in REGIONS for column in region.columns]
        self.order = [columns.index(unit) for unit in range(AU_COUNT)]

    def forward(self, crops: Tensor, reference: Tensor, known: Tensor | None = None) -> Tensor:
        """uint8 crops [N, C, 112, 112], reference [N or 1, C, 112, 112] -> f32 [N, 2, K] (FACS).

        `known` are coarse maps worked out before, if the evidence is one without weights.
        """
        now, rest = self.luma(crops), self.luma(reference)
        now, rest = standardised(now, now), standardised(rest, rest)
        maps: Maps = self.evidence(rest.expand_as(now), now, known)
        if self.training:
            return self._read(*maps.inputs(1))
        return (self._read(*maps.inputs(1)) - self._read(*maps.inputs(-1))) / 2

    @property
    def readers(self) -> list[RegionNet]:
        """The networks of the regions, upper face first."""
        return [network for network in self.regions if isinstance(network, RegionNet)]

    def _read(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """All AUs in order, f32 [N, 2, K]."""
        parts = [reader(fine, coarse) for reader in self.readers]
        return torch.cat(parts, dim=-1)[..., self.order]


class FrameAUNet(nn.Module):
    """The difference of two absolute estimates, one from each crop: for comparison only."""

    def __init__(self, width: int = 16, dropout: float = 0.1) -> None:
        super().__init__()
        self.pair = AUNet(Siamese(), width, dropout)

    def forward(self, crops: Tensor, reference: Tensor) -> Tensor:
        """As `AUNet`."""
        return self._absolute(crops) - self._absolute(reference)

    def _absolute(self, crops: Tensor) -> Tensor:
        picture = self.pair.luma(crops)
        fine = standardised(picture, picture)
        fine = torch.cat([fine, torch.zeros_like(fine)], dim=1)
        return self.pair._read(fine, fine[:, :0, ::STRIDE, ::STRIDE])  # noqa: SLF001  # same module
