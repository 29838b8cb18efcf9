"""The AU network: windows of crops in, one trace out; alone, a recognizer without emotion."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.backend import Tensor
from worker.domain import FloatArray, Image
from worker.models.recognizer import Recognition
from worker.specs import AU

WINDOW: Final = 64
"""Crops per request: the trace of a long clip must not need one long tensor."""
OUTPUTS: Final = tuple(tensor.name for tensor in AU.outputs)


def windows(crops: Image, reference: Image) -> Iterator[dict[str, Image]]:
    """Inputs for consecutive parts of crops uint8 [N, 3, S, S], against one crop [1, 3, S, S]."""
    for start in range(0, len(crops), WINDOW):
        yield {"crops": crops[start : start + WINDOW], "reference": reference}


def interpret(outputs: Sequence[Mapping[str, FloatArray]]) -> FloatArray:
    """The trace f32 [N, sides, K] in FACS units from the windows' outputs."""
    return np.concatenate([output["action_units"] for output in outputs])


def strongest_side(trace: FloatArray) -> FloatArray:
    """Intensities f32 [..., K] of a trace f32 [..., sides, K]: the side that changes more."""
    side: npt.NDArray[np.intp] = np.abs(trace).argmax(axis=-2)[..., None, :]
    return np.take_along_axis(trace, side, axis=-2)[..., 0, :]


def prepare(crops: Image, reference: Image) -> Mapping[str, Tensor]:
    """Inputs for one event, whose first crop is the reference."""
    return {"crops": crops, "reference": reference}


def recognition(outputs: Mapping[str, FloatArray]) -> Recognition:
    """What moved in an event, and no more."""
    return Recognition(outputs["action_units"], None)
