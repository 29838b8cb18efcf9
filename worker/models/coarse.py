"""Eight emotions folded into positive, negative and surprise."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray
from worker.specs import COARSE_LABELS, COARSE_OF, LABELS

COARSE_INDEX: Final[npt.NDArray[np.intp]] = np.array(
    [COARSE_LABELS.index(COARSE_OF[name]) if name in COARSE_OF else -1 for name in LABELS]
)
"""[labels] which coarse label each label belongs to; -1 for neutral."""


def fold(probabilities: FloatArray) -> npt.NDArray[np.float64]:
    """f64 [..., 3] that sums to 1, given that there is an event, from f32 [..., labels]."""
    totals = np.stack(
        [
            probabilities[..., index == COARSE_INDEX].sum(axis=-1, dtype=np.float64)
            for index in range(len(COARSE_LABELS))
        ],
        axis=-1,
    )
    whole = np.maximum(totals.sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(totals / whole)
