"""Pairs as the AU network learns from them: more nuisance, their flow, mirrored and exchanged.

Nuisance and flow are worked out once for each pair, before training; which way round a pair is
shown is drawn anew every time.
"""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from training.loop import Batch
from training.models.blocks import standardised
from training.models.flow import EXCHANGED, MIRRORED, flow
from training.pair_augment import augmented
from training.pairs_store import load_pairs

_CHUNK: Final = 128
_STILL_SHARE: Final = 0.1
_AUGMENTED_SHARE: Final = 0.3


def load(folder: Path, split: str, samples: int) -> Batch:
    """Reference and current crops uint8 [N, S, S], change f32 [N, 2, K]."""
    pairs = load_pairs(folder, split, samples)
    return tuple(torch.from_numpy(a) for a in (pairs.reference, pairs.current, pairs.change))


def prepared(batch: Batch) -> Batch:
    """The same pairs, some of them stilled, some under more nuisance."""
    parts = zip(*(tensor.split(_CHUNK) for tensor in batch), strict=True)
    rows = [_nuisance(_stilled(part)) for part in parts]
    return tuple(torch.cat(column) for column in zip(*rows, strict=True))


@torch.no_grad()
def with_flow(batch: Batch) -> Batch:
    """The pairs and, as a fourth tensor f16 [N, 5, S/4, S/4], flow and texture."""
    parts = zip(batch[0].split(_CHUNK), batch[1].split(_CHUNK), strict=True)
    rows = [torch.cat(flow(_picture(rest), _picture(now)), dim=1).half() for rest, now in parts]
    return *batch[:3], torch.cat(rows)


def shown(batch: Batch) -> Batch:
    """Half of the pairs mirrored, sides and all, and half in the other order, negated."""
    reference, current, change, *motion = batch
    mirror, swap = (torch.rand(len(change)) < 0.5 for _ in range(2))  # noqa: PLR2004  # half
    reference, current = _flipped(reference, mirror), _flipped(current, mirror)
    change = torch.where(_wide(mirror, 3), change.flip(1), change)
    change = torch.where(_wide(swap, 3), -change, change)
    first = torch.where(_wide(swap, 3), current, reference)
    second = torch.where(_wide(swap, 3), reference, current)
    return first, second, change, *(_turned(maps.float(), mirror, swap) for maps in motion)


def _turned(maps: Tensor, mirror: Tensor, swap: Tensor) -> Tensor:
    """Flow and texture of mirrored and exchanged pairs."""
    mirrored = maps.flip(-1) * torch.tensor(MIRRORED).view(1, -1, 1, 1)
    maps = torch.where(_wide(mirror, 4), mirrored, maps)
    exchanged = maps * torch.tensor(EXCHANGED).view(1, -1, 1, 1)
    return torch.where(_wide(swap, 4), exchanged, maps)


def _flipped(pictures: Tensor, chosen: Tensor) -> Tensor:
    return torch.where(_wide(chosen, 3), pictures.flip(-1), pictures)


def _stilled(batch: Batch) -> Batch:
    """Some references against themselves: what nuisance alone makes of a face is no change."""
    reference, current, change = batch
    still = _wide(torch.rand(len(change)) < _STILL_SHARE, 3)
    return reference, torch.where(still, reference, current), torch.where(still, 0.0, change)


def _nuisance(batch: Batch) -> Batch:
    reference, current, change = batch
    chosen = _wide(torch.rand(len(change)) < _AUGMENTED_SHARE, 3)
    first, second = (pictures[:, 0].to(torch.uint8) for pictures in augmented(reference, current))
    return torch.where(chosen, first, reference), torch.where(chosen, second, current), change


def _picture(crops: Tensor) -> Tensor:
    pictures = crops[:, None].float() / 255
    return standardised(pictures, pictures)


def _wide(rows: Tensor, dimensions: int) -> Tensor:
    return rows.view(-1, *[1] * (dimensions - 1))
