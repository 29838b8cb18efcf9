"""Metrics of the evaluation chapter: correlation, UF1, UAR. Undefined values are defined as 0."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def pearson(truth: Floats, estimate: Floats) -> float:
    """Correlation of two flat arrays; 0 where either does not vary."""
    a = truth.astype(np.float64) - truth.mean(dtype=np.float64)
    b = estimate.astype(np.float64) - estimate.mean(dtype=np.float64)
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def accuracy(truth: Labels, estimate: Labels) -> float:
    """Share of right answers (Acc, WAR)."""
    return float((truth == estimate).mean())


def uf1(truth: Labels, estimate: Labels, classes: int) -> float:
    """Unweighted F1 over classes, pooled over all rows (paper Eq. 31)."""
    scores = []
    for label in range(classes):
        hits = int(((truth == label) & (estimate == label)).sum())
        wrong = int(((truth == label) != (estimate == label)).sum())
        scores.append(2 * hits / (2 * hits + wrong) if hits else 0.0)
    return float(np.mean(scores))


def uar(truth: Labels, estimate: Labels, classes: int) -> float:
    """Unweighted average recall over the classes that occur (paper Eq. 32)."""
    present = [label for label in range(classes) if (truth == label).any()]
    return float(np.mean([(estimate[truth == label] == label).mean() for label in present]))
