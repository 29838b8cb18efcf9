"""How far probabilities can be believed, and the temperature and threshold that make them so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.optimize import minimize_scalar

from training.metrics import Labels
from worker.domain import FloatArray
from worker.models.calibration import Calibration

BINS: Final = 15
TARGET: Final = 0.75
"""Share of right answers that is asked of those that are given."""
_FEWEST: Final = 0.1
"""Share of the clips that is answered at least, whatever the target."""
_RANGE: Final = (-3.0, 3.0)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Top-label confidence against accuracy, by bins of equal width; empty bins count 0."""

    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    """Of the clips, by bin."""

    @classmethod
    def of(cls, probabilities: FloatArray, truth: Labels) -> "Reliability":
        """Of probabilities [N, C] and labels [N]."""
        best = probabilities.max(axis=1).astype(np.float64)
        right = probabilities.argmax(axis=1) == truth
        place = np.minimum((best * BINS).astype(np.int64), BINS - 1)
        count = np.bincount(place, minlength=BINS)
        known = np.maximum(count, 1)
        return cls(
            np.bincount(place, best, BINS) / known,
            np.bincount(place, right, BINS) / known,
            count / len(truth),
        )

    @property
    def ece(self) -> float:
        """Expected calibration error (Naeini et al., 2015), 0..1."""
        return float((self.share * np.abs(self.confidence - self.accuracy)).sum())


def fit(probabilities: FloatArray, truth: Labels, target: float = TARGET) -> Calibration:
    """The temperature that fits confidence best, and the threshold for a share of right answers.

    On people of their own: neither trained on nor tested. The confidence, the probability of the
    label that is answered, is fitted by its squared distance from being right or wrong (the score
    of Brier 1950). Log loss over all labels weighs rare confident errors so much that, with two
    tracks of unequal difficulty, it leaves most answers with less confidence than they deserve.
    """

    def distance(log_temperature: float) -> float:
        tempered = Calibration(float(np.exp(log_temperature))).tempered(probabilities)
        right = tempered.argmax(axis=1) == truth
        return float(((tempered.max(axis=1) - right) ** 2).mean())

    found = minimize_scalar(distance, bounds=_RANGE, method="bounded")
    temperature = round(float(np.exp(found.x)), 4)
    below = threshold(Calibration(temperature).tempered(probabilities), truth, target)
    return Calibration(temperature, below, "calibrated")


def threshold(probabilities: FloatArray, truth: Labels, target: float) -> float:
    """The least confidence from which on `target` of the answers are right, 0 where all are.

    Where none reaches it, that with the most right ones among a tenth of the clips or more.
    """
    best = probabilities.max(axis=1)
    order = np.argsort(-best, kind="stable")
    right = (probabilities.argmax(axis=1) == truth)[order]
    answered = np.arange(1, len(truth) + 1)
    accuracy = right.cumsum() / answered
    enough = answered >= max(1, _FEWEST * len(truth))
    reached = np.flatnonzero(enough & (accuracy >= target))
    last = reached[-1] if len(reached) else np.where(enough, accuracy, -1).argmax()
    if last == len(truth) - 1:
        return 0.0
    return float(np.floor(best[order[last]] * 1e4) / 1e4)


def draw(before: Reliability, after: Reliability, file: Path) -> None:
    """The two reliability diagrams beside each other, with how many clips are in each bin."""
    figure = Figure(figsize=(7.4, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    edges = (np.arange(BINS) + 0.5) / BINS
    for axes, seen, name in zip(panels, (before, after), ("as learnt", "calibrated"), strict=True):
        axes.bar(edges, seen.accuracy, 0.9 / BINS, color="#4c78a8", label="right answers")
        axes.bar(edges, seen.share, 0.45 / BINS, color="#f58518", label="share of the clips")
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=1)
        axes.set(title=f"{name}: ECE {seen.ece:.3f}", xlabel="probability of the answer")
    panels[0].set_ylabel("share")
    panels[0].legend(loc="upper left")
    figure.savefig(file, dpi=120)
