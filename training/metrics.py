"""Metrics of the evaluation chapter: correlation, UF1, UAR, Eq. 30. Undefined values are 0."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def pearson(truth: Floats, estimate: Floats) -> float:
    """Correlation of two flat arrays; 0 where either does not vary."""
    a = truth.astype(np.float64) - truth.mean(dtype=np.float64)
    b = estimate.astype(np.float64) - estimate.mean(dtype=np.float64)
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale > 0 else 0.0


def change_correlation(truth: Floats, estimate: Floats, inside: Mask) -> float:
    """Correlation of the change between two depth maps [2, H, W] with the true one.

    Over the pixels `inside` [H, W], those on the face in both: what an affine-invariant depth
    map says of a motion, whatever its scale.
    """
    return pearson((truth[1] - truth[0])[inside], (estimate[1] - estimate[0])[inside])


def flicker(estimate: Floats, inside: Mask) -> float:
    """Spread over time of depth maps [N, H, W] of a still face, as a share of its relief.

    Over the pixels `inside` [H, W]; 0 where there is no relief.
    """
    face = estimate[:, inside]
    relief = float(face.mean(axis=0).std())
    return float(face.std(axis=0).mean()) / relief if relief > 0 else 0.0


def icc_3_1(truth: Floats, estimate: Floats) -> float:
    """Intra-class correlation ICC(3,1) of two flat arrays, as two raters of the same targets.

    Two-way mixed effects, single rater, consistency (Shrout and Fleiss 1979): the mean square
    between targets against what is left within them once each rater's own level is taken out.
    Undefined without any spread, which is 0 here.
    """
    return icc_3_1_of(np.stack([truth, estimate], axis=1))


def icc_3_1_of(ratings: npt.NDArray[np.floating[npt.NBitBase]]) -> float:
    """ICC(3,1) of ratings [targets, raters]."""
    scores = ratings.astype(np.float64)
    targets, raters = scores.shape
    of_target = scores.mean(axis=1, keepdims=True)
    of_rater = scores.mean(axis=0, keepdims=True)
    rest = scores - of_target - of_rater + scores.mean()
    between = raters * float(((of_target - scores.mean()) ** 2).sum()) / (targets - 1)
    within = float((rest**2).sum()) / ((targets - 1) * (raters - 1))
    whole = between + (raters - 1) * within
    return (between - within) / whole if whole > 0 else 0.0


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


def confusion_matrix(truth: Labels, estimate: Labels, classes: int) -> Labels:
    """Counts [classes, classes] of (truth, estimate)."""
    cells = np.bincount(truth * classes + estimate, minlength=classes * classes)
    return cells.reshape(classes, classes)


def macro_f1_eq30(truth: Labels, estimate: Labels, classes: int) -> float:
    """F1 of macro precision and macro recall (paper Eq. 30), pooled over all rows.

    Not the mean of the classes' F1, which is `uf1`: it can be far higher. The precision of a class
    never predicted and the recall of a class that does not occur are 0.
    """
    counts = confusion_matrix(truth, estimate, classes)
    hits = np.diag(counts)
    precision = float((hits / np.maximum(counts.sum(axis=0), 1)).mean())
    recall = float((hits / np.maximum(counts.sum(axis=1), 1)).mean())
    return 2 * precision * recall / (precision + recall) if hits.any() else 0.0
