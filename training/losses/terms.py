"""Equations 11, 12 and 19-23 of the MADV-Net paper, on logits; all give a scalar."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as fn


def focal(logits: Tensor, label: Tensor, focus: float, weights: Tensor | None = None) -> Tensor:
    """Mean over clips of -mu (1 - p)^focus log p, p the true class's probability (Eq. 19).

    logits [B, C], label [B]; `weights` [C] are mu, all 1 where None.
    """
    log_p = fn.log_softmax(logits, dim=-1).gather(1, label[:, None])[:, 0]
    each = -((1 - log_p.exp()) ** focus) * log_p
    return (each if weights is None else weights[label] * each).mean()


def balanced(counts: Sequence[int]) -> Tensor:
    """Class weights [C] in inverse proportion to how often each class occurs, 1 in the mean.

    A class that does not occur gets 0. ValueError where none does.
    """
    seen = torch.tensor(counts, dtype=torch.float32)
    if not seen.any():
        raise ValueError("no class occurs")
    weights = torch.where(seen > 0, 1 / seen.clamp(min=1), 0)
    return weights * len(seen) / weights.sum()


def frequency(bands: Tensor, label: Tensor, weights: tuple[float, float, float]) -> Tensor:
    """Weighted sum of the cross-entropies of low, mid and high (Eq. 20-23): logits [B, 3, C]."""
    losses = [fn.cross_entropy(bands[:, band], label) for band in range(bands.shape[1])]
    return torch.stack([w * loss for w, loss in zip(weights, losses, strict=True)]).sum()


@dataclass(frozen=True, slots=True)
class AUTerms:
    """What the AU encoder says of B clips.

    logits [B, C]; compression (scalar, or [B]) and reconstruction [B] of its bottleneck, summed
    over the layers; known, boolean [B]: clips whose AUs were seen.
    """

    logits: Tensor
    compression: Tensor
    reconstruction: Tensor
    known: Tensor


def au_loss(terms: AUTerms, label: Tensor, beta: float) -> Tensor:
    """Mean over the clips with AUs of the last layer's loss and the bottleneck's (Eq. 12).

    The last layer's is Bernoulli (Eq. 9-11), over the classes its mean rather than its sum. 0 where
    no clip has AUs.
    """
    truth = fn.one_hot(label, terms.logits.shape[1]).to(terms.logits.dtype)
    last = fn.binary_cross_entropy_with_logits(terms.logits, truth, reduction="none").mean(dim=1)
    each = last + beta * terms.compression + terms.reconstruction
    known = terms.known.to(each.dtype)
    return (each * known).sum() / known.sum().clamp(min=1)
