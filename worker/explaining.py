"""Why, as far as it can be shown: what moved in an event, and where the recognizer looked."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker import explanation
from worker.domain import FloatArray
from worker.explanation import Explanation, FaceGrid
from worker.highlights import Moment
from worker.models.recognizer import Recognition
from worker.preprocess.motion_field import Affine, grid_to_frame, motion_field
from worker.specs import LEVELS, PLACES

_DECIMALS: Final = 3
_PIXEL_DECIMALS: Final = 2
_NEXT_TO_NOTHING: Final = 1e-9


def explain(moment: Moment, recognition: Recognition) -> Explanation | None:
    """What is shown beside an answer; nothing of a stretch without an event."""
    if moment.ends is None:
        return None
    (onset, apex), places = moment.ends.crops, moment.ends.placements
    grids = [grid_to_frame(placement) for placement in places]
    looked = heeded(recognition, moment.apex)
    return Explanation(
        grid=FaceGrid(rows=PLACES, columns=PLACES, onset=_map(grids[0]), apex=_map(grids[1])),
        motion=_rounded(motion_field(onset, apex, grids[0]), _PIXEL_DECIMALS).tolist(),
        attention=None if looked is None else _rounded(looked, _DECIMALS).tolist(),
    )


def heeded(recognition: Recognition, at: int) -> FloatArray | None:
    """Where a recognizer looks in one of the frames it sees: f32 [PLACES, PLACES], at most 1.

    The mean of its levels, each weighing what the fusion gives it; what that gives the action
    units has no place. None by a recognizer without attention.
    """
    if recognition.attention is None:
        return None
    gate = None if recognition.emotion is None else recognition.emotion.gate
    weights = np.ones(len(LEVELS)) if gate is None else gate[: len(LEVELS)] + _NEXT_TO_NOTHING
    mean = np.average(recognition.attention[at], axis=0, weights=weights)
    return np.asarray(mean / max(float(mean.max()), _NEXT_TO_NOTHING), dtype=np.float32)


def _map(grid: Affine) -> explanation.Affine:
    (a, b, x), (c, d, y) = grid.round(_DECIMALS).tolist()
    return (a, b, x), (c, d, y)


def _rounded(cells: FloatArray, decimals: int) -> npt.NDArray[np.float64]:
    # As float64, or 0.1 would be written as 0.10000000149; and nothing as -0.0.
    return np.asarray(cells.astype(np.float64).round(decimals) + 0.0)
