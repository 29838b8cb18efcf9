"""The losses of the MADV-Net paper, one function an equation, and their sum by configuration."""

from training.losses.terms import au_loss, balanced, focal, frequency
from training.losses.total import LossConfig, total

__all__ = ["LossConfig", "au_loss", "balanced", "focal", "frequency", "total"]
