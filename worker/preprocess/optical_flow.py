"""Motion from onset to apex: dense optical flow by three methods of OpenCV, and its strain.

`variational` refines DIS (Kroeger et al. 2016) by the robust energy of Brox et al. (2004) until it
is sharp at the edges of what moves, as TV-L1 flow is; `dis` is the smooth start alone;
`farneback` (2003) fits polynomials within windows and smears small motion over them.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray
from worker.preprocess.stretch import stretched

Gray = npt.NDArray[np.uint8]
FlowMethod = Literal["variational", "dis", "farneback"]
METHODS: Final[tuple[FlowMethod, ...]] = get_args(FlowMethod)

_PRESET: Final = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
_FAST: Final = cv2.DISOPTICAL_FLOW_PRESET_FAST
_MEDIAN: Final = 5
_SAME_EVERYWHERE: Final = 1e-6
"""A channel that varies by less holds no motion to stretch."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """Weights of the variational energy and how long it is minimised."""

    smoothness: float = 8.0
    brightness: float = 5.0
    gradient: float = 10.0
    outer: int = 20
    """Fixed-point iterations."""
    inner: int = 8
    """Of successive over-relaxation in each of them."""
    medians: int = 1
    """Passes of a 5x5 median afterwards: specks go, edges stay (Wedel et al. 2009)."""


def flow(
    onset: Gray,
    apex: Gray,
    method: FlowMethod = "variational",
    refinement: Refinement = Refinement(),
) -> FloatArray:
    """Displacement f32 [H, W, 2] in pixels (x right, y down) from onset to apex.

    Pictures are gray uint8 [H, W] of one size. Raises ValueError for an unknown method or pictures
    of unlike size.
    """
    if onset.shape != apex.shape or onset.ndim != 2:  # noqa: PLR2004  # height and width
        raise ValueError(f"flow from {onset.shape} to {apex.shape}: two gray pictures alike wanted")
    match method:
        case "variational":
            found = _refined(onset, apex, refinement)
        case "dis":
            found = _dis(onset, apex, _PRESET)
        case "farneback":
            start = np.zeros((*onset.shape, 2), dtype=np.float32)
            found = _floats(
                cv2.calcOpticalFlowFarneback(onset, apex, start, 0.5, 3, 15, 3, 5, 1.2, 0)
            )
        case _:
            raise ValueError(f"no flow method {method!r}; there are: {', '.join(METHODS)}")
    return found


def strain(motion: FloatArray) -> FloatArray:
    """Optical strain f32 [H, W] of a flow [H, W, 2]: the norm of its symmetric gradient.

    sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2) (Shreve et al. 2009): what stretches or shears, 0 for
    shifts and small turns.
    """
    u, v = motion[..., 0], motion[..., 1]
    shear = np.gradient(u, axis=0) + np.gradient(v, axis=1)
    along = np.gradient(u, axis=1) ** 2 + np.gradient(v, axis=0) ** 2
    return np.asarray(np.sqrt(along + shear**2 / 2), dtype=np.float32)


def flow_image(motion: FloatArray, side: int) -> Gray:
    """Flow [H, W, 2] as uint8 [side, side, 3]: u, v and strain, each stretched by itself.

    The form of the public MEGC 2019 flow files. Sampled without averaging, as those are.
    """
    maps = (motion[..., 0], motion[..., 1], strain(motion))
    small = (cv2.resize(np.ascontiguousarray(plane), (side, side)) for plane in maps)
    return np.dstack([stretched(_floats(plane), _SAME_EVERYWHERE) for plane in small])


def _dis(onset: Gray, apex: Gray, preset: int) -> FloatArray:
    start = np.zeros((*onset.shape, 2), dtype=np.float32)
    return _floats(cv2.DISOpticalFlow.create(preset).calc(onset, apex, start))


def _refined(onset: Gray, apex: Gray, wanted: Refinement) -> FloatArray:
    energy = cv2.VariationalRefinement.create()
    energy.setAlpha(wanted.smoothness)
    energy.setDelta(wanted.brightness)
    energy.setGamma(wanted.gradient)
    energy.setFixedPointIterations(wanted.outer)
    energy.setSorIterations(wanted.inner)
    found = _floats(energy.calc(onset, apex, _dis(onset, apex, _FAST)))
    planes = [np.ascontiguousarray(found[..., axis]) for axis in (0, 1)]
    for _ in range(wanted.medians):
        planes = [_floats(cv2.medianBlur(plane, _MEDIAN)) for plane in planes]
    return np.dstack(planes)


def _floats(found: cv2.typing.MatLike) -> FloatArray:
    return found.astype(np.float32, copy=False)
