"""What learns from clips, and from which part of a fold it may.

Statistics and copies come from train, choices (epochs, thresholds, temperatures) from validation;
test is for scoring alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.protocols.sample import Sample
from training.protocols.split import LeakError, Part, Role

Features = npt.NDArray[np.float64]
"""float [samples, features]."""


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Mean and spread of the training clips of one fold, applied to all parts of that fold."""

    fold: str
    mean: Features
    spread: Features

    @classmethod
    def fit(cls, part: Part, features: Features) -> "Standardizer":
        """Learn from train, one row per sample. Raises LeakError for any other part."""
        require(part, Role.TRAIN, "normalisation statistics")
        _require_rows(part, features)
        spread = features.std(axis=0)
        return cls(part.fold, features.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def apply(self, part: Part, features: Features) -> Features:
        """Standardise. Raises LeakError for a part of another fold."""
        if part.fold != self.fold:
            raise LeakError(f"statistics of fold {self.fold} on fold {part.fold}")
        _require_rows(part, features)
        return (features - self.mean) / self.spread


def oversampled(part: Part, seed: int) -> tuple[Sample, ...]:
    """Samples of train with the rarer classes repeated, at random, to the size of the largest.

    Raises LeakError for any other part.
    """
    require(part, Role.TRAIN, "oversampling")
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[Sample]] = {}
    for sample in part.samples:
        by_label.setdefault(sample.label, []).append(sample)
    largest = max(len(samples) for samples in by_label.values())
    drawn: list[Sample] = []
    for samples in by_label.values():
        more = rng.integers(0, len(samples), largest - len(samples))
        drawn += [*samples, *(samples[index] for index in more)]
    return tuple(drawn)


def best_epoch(part: Part, scores: Sequence[float]) -> int:
    """Index of the highest score, the earliest of equals. Raises LeakError unless validation."""
    require(part, Role.VALIDATION, "the choice of an epoch")
    if not part.samples:
        raise ValueError(f"fold {part.fold} has no validation clips to choose an epoch by")
    return int(np.argmax(scores))


def require(part: Part, role: Role, purpose: str) -> None:
    """Raise LeakError unless the part has the role. Trainers ask before they learn or choose."""
    if part.role is not role:
        raise LeakError(f"{purpose} on {part.role} of fold {part.fold}: only {role} may be used")


def _require_rows(part: Part, features: Features) -> None:
    if len(features) != len(part.samples):
        raise ValueError(f"{len(features)} rows of features for {len(part.samples)} samples")
