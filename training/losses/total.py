"""The sum of the losses (paper Eq. 18), each part switchable."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from training.losses.terms import AUTerms, au_loss, focal, frequency

AUForm = Literal["vib", "eq8", "bce", "off"]
"""Eq. 11 with the bottleneck of Eq. 7, with that of Eq. 8, or alone; or no AU loss at all."""


class Outputs(Protocol):
    """What the losses read of a network's output, as `MADVNetOutput` states it."""

    @property
    def logits(self) -> Tensor:
        """[B, C]."""

    @property
    def frequency_logits(self) -> Tensor:
        """[B, 3, C]."""

    @property
    def au_logits(self) -> Tensor:
        """[B, C]."""

    @property
    def kl(self) -> Tensor:
        """Scalar or [B]."""

    @property
    def reconstruction(self) -> Tensor:
        """[B]."""

    @property
    def au_known(self) -> Tensor:
        """Boolean [B]."""


@dataclass(frozen=True, slots=True)
class LossConfig:
    """The paper gives no coefficient; these are ours. Raises ValueError where one is negative."""

    multiclass: float = 1.0
    """Coefficient of the focal loss."""
    focus: float = 2.0
    """Its exponent lambda; 0 is cross-entropy."""
    class_weights: tuple[float, ...] = ()
    """Its mu, one a class; empty is 1 for all. `balanced` works them out."""
    frequency: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    """alpha, beta and gamma of Eq. 20; all 0 is no frequency loss."""
    action_units: float = 1.0
    """Coefficient of the AU loss."""
    au: AUForm = "vib"
    beta: float = 1e-4
    """Weight of compression in the AU loss."""

    def __post_init__(self) -> None:
        if self.au not in get_args(AUForm):
            raise ValueError(f"au must be among {', '.join(get_args(AUForm))}")
        coefficients = (self.multiclass, self.focus, self.action_units, self.beta)
        if min(*coefficients, *self.frequency, *self.class_weights) < 0:
            raise ValueError("coefficients are not negative")

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "LossConfig":
        """A TOML table; ValueError for an unknown key too."""
        own: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        if unknown := own.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown in [loss]: {', '.join(sorted(unknown))}")
        return cls(**own)

    def weights(self, device: torch.device) -> Tensor | None:
        """Class weights [C] of the focal loss; None for 1 each."""
        return torch.tensor(self.class_weights, device=device) if self.class_weights else None


def total(output: Outputs, label: Tensor, config: LossConfig) -> Tensor:
    """L = L_Multiclass + L_freq + L_AU (Eq. 18), in single precision, for labels [B]."""
    logits = output.logits.float()
    weights = config.weights(logits.device)
    loss = config.multiclass * focal(logits, label, config.focus, weights)
    if any(config.frequency):
        loss = loss + frequency(output.frequency_logits.float(), label, config.frequency)
    if config.au == "off":
        return loss
    bottleneck = (output.kl.float(), output.reconstruction.float())
    compression, reconstruction = (
        (torch.zeros_like(term) for term in bottleneck) if config.au == "bce" else bottleneck
    )
    terms = AUTerms(output.au_logits.float(), compression, reconstruction, output.au_known)
    return loss + config.action_units * au_loss(terms, label, config.beta)
