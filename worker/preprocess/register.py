"""Where the head has gone between two crops, told apart from what the face does meanwhile.

Direct registration: the six numbers of a rigid motion under which the moved picture agrees best
with the reference, by Gauss-Newton with all that depends on the reference computed once (Lucas and
Kanade 1981; Baker and Matthews 2004). Expressions of the average face are let fit as well and then
forgotten, so that a raised brow is not taken for a nod; residuals are clipped, and contrast is
evened out over each neighbourhood, against light, glasses and hands.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray
from worker.preprocess.face_shape import FaceShape, face_shape
from worker.preprocess.pose import CENTRE, Points, points

PAD_PX: Final = 16
"""Pictures to register reach this far beyond the crop on every side."""
LIMITS: Final = np.array([14.0, 14.0, 0.25, 0.35, 0.6, 0.6])
"""Pixels, pixels, log scale, radians: a motion beyond is no motion of this head."""

_NEIGHBOURHOOD_PX: Final = 21
_LEAST_CONTRAST: Final = 6.0
"""Gray levels; fainter structure is noise and is not raised to full contrast."""
_STEPS: Final = ((2.5, 10), (0.7, 12))
"""Blur in pixels, and the most steps at it, coarse to fine."""
_CLIP: Final = 3.0
"""Residuals count as no more than so many of their spread."""
_USUAL_FACS: Final = 1.5
"""How strong expressions are expected to be,"""
_NOISE: Final = 0.3
"""against the squared noise summed over the pixels that would show them."""
_CONVERGED_PX: Final = 0.01
_IN_PIXELS: Final = np.array([1.0, 1.0, 30.0, 30.0, 30.0, 10.0])
"""What a step's numbers come to in pixels, about."""
_SAMPLE: Final = 4
"""One residual in so many says how far they spread."""
_DAMPING: Final = 1e-6
_NUISANCES: Final = 2
"""Gain and offset of the light, fitted beside the motion."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A rigid motion, and how well the pictures agree under it."""

    motion: npt.NDArray[np.float64]
    """f64 [6]: shift x, y (pixels), log scale, roll, yaw, pitch (radians)"""
    agreement: float
    """Correlation over the still pixels, -1 to 1."""


@dataclass(frozen=True, slots=True)
class _Level:
    blur_px: float
    steps: int
    values: FloatArray
    """f32 [n] of the reference."""
    solver: FloatArray
    """f32 [6, n]: residuals to a step of the motion."""


class Registrar:
    """Finds the motion from one reference picture to others of the same face.

    Args:
        reference: Gray f32 [S + 2 PAD, S + 2 PAD], an aligned crop with its surroundings.
        shape: The average face.
    """

    def __init__(self, reference: FloatArray, shape: FaceShape | None = None) -> None:
        shape = shape or face_shape()
        still = (shape.stillness > 0) & _every_second(shape.stillness.shape)
        self._points = points(shape, still)
        self._weights = shape.stillness[still]
        self._expressions = shape.expressions[:, still]
        structure = _structure(reference)
        self._levels = [self._level(structure, still, *step) for step in _STEPS]

    def fit(
        self, picture: FloatArray, turn: tuple[float, float] = (0.0, 0.0), *, is_near: bool = True
    ) -> Fit:
        """The motion to a picture like the reference, sought from a turn (yaw, pitch) on.

        Args:
            picture: Gray f32 [S + 2 PAD, S + 2 PAD], aligned to a few pixels.
            turn: Where to start.
            is_near: The start is good to a pixel or two; otherwise a coarse search comes first.
        """
        structure = _structure(picture)
        motion = np.array([0.0, 0.0, 0.0, 0.0, *turn])
        coarse, fine = self._levels
        if not is_near:
            motion = self._descend(_blurred(structure, coarse.blur_px), motion, coarse)
        blurred = _blurred(structure, fine.blur_px)
        motion = self._descend(blurred, motion, fine)
        return Fit(motion, self._agreement(blurred, motion, fine))

    def _descend(
        self, blurred: FloatArray, motion: npt.NDArray[np.float64], level: _Level
    ) -> npt.NDArray[np.float64]:
        for _ in range(level.steps):
            step = self._step(blurred, motion, level)
            motion = np.clip(motion - step, -LIMITS, LIMITS)
            if np.abs(step * _IN_PIXELS).max() < _CONVERGED_PX:
                break
        return motion

    def _level(
        self, structure: FloatArray, still: npt.NDArray[np.bool_], blur_px: float, steps: int
    ) -> _Level:
        inner = slice(PAD_PX, -PAD_PX)
        blurred = _blurred(structure, blur_px)
        right, down = (
            cv2.Sobel(blurred, cv2.CV_32F, *axis, ksize=3)[inner, inner][still] / 8
            for axis in ((1, 0), (0, 1))
        )
        at, values = self._points, blurred[inner, inner][still]
        slopes = [right, down, right * at.x + down * at.y, down * at.x - right * at.y]
        slopes += [right * at.z, down * at.z, values, np.ones_like(values)]
        moved = right * self._expressions[..., 0] + down * self._expressions[..., 1]
        solver = _solver(np.stack(slopes), _USUAL_FACS * moved, self._weights)
        return _Level(blur_px, steps, values, solver[:-_NUISANCES].astype(np.float32))

    def _step(
        self, blurred: FloatArray, motion: npt.NDArray[np.float64], level: _Level
    ) -> npt.NDArray[np.float64]:
        error = _look_up(blurred, self._points, motion) - level.values
        spread = _CLIP * (1.48 * float(np.median(np.abs(error[::_SAMPLE]))) + 1e-3)
        return (level.solver @ np.clip(error, -spread, spread)).astype(np.float64)

    def _agreement(
        self, blurred: FloatArray, motion: npt.NDArray[np.float64], level: _Level
    ) -> float:
        found, wanted = (
            values - np.average(values, weights=self._weights)
            for values in (_look_up(blurred, self._points, motion), level.values)
        )
        together, one, other = (
            float((self._weights * a * b).sum())
            for a, b in ((found, wanted), (found, found), (wanted, wanted))
        )
        return together / float(np.sqrt(one * other) + 1e-9)


def _solver(
    slopes: FloatArray, expressions: FloatArray, weights: FloatArray
) -> npt.NDArray[np.float64]:
    """Generalised least squares f64 [P, n] for slopes [P, n].

    The error is white noise of the given weights [n], and expressions [M, n] of random strength.
    """
    rows, moved = slopes.astype(np.float64), expressions.astype(np.float64)
    weighted, masked = rows * weights, moved * weights
    inner = masked @ moved.T + _NOISE * np.eye(len(moved))
    cleaned = weighted - (weighted @ moved.T) @ np.linalg.solve(inner, masked)
    return np.linalg.solve(cleaned @ rows.T + _DAMPING * np.eye(len(rows)), cleaned)


def similarity_part(motion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The motion without its turn, f64 [3, 3] on homogeneous crop pixels."""
    factor = np.exp(motion[2] + 1j * motion[3])
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    shift = motion[:2] + CENTRE - turn @ CENTRE
    return np.vstack([np.column_stack([turn, shift]), [0.0, 0.0, 1.0]])


def _look_up(picture: FloatArray, at: Points, motion: npt.NDArray[np.float64]) -> FloatArray:
    """Values of a padded picture where the points of the reference have moved to."""
    x, y = at.turned(motion[4], motion[5])
    (a, b, right), (c, d, down), _ = similarity_part(motion).astype(np.float32)
    columns, rows = a * x + b * y + (right + PAD_PX), c * x + d * y + (down + PAD_PX)
    found = cv2.remap(picture, columns[None], rows[None], cv2.INTER_LINEAR)
    return np.asarray(found[0], dtype=np.float32)


def _structure(picture: FloatArray) -> FloatArray:
    """The picture with mean and contrast evened out over each pixel's neighbourhood."""
    size = (_NEIGHBOURHOOD_PX, _NEIGHBOURHOOD_PX)
    detail = picture - cv2.blur(picture, size)
    contrast = np.sqrt(np.maximum(cv2.blur(detail * detail, size), 0)) + _LEAST_CONTRAST
    return np.asarray(detail / contrast, dtype=np.float32)


def _every_second(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Every second pixel, as on a chessboard: blurred neighbours say the same."""
    rows, columns = np.indices(shape)
    return np.asarray((rows + columns) % 2 == 0)


def _blurred(picture: FloatArray, blur_px: float) -> FloatArray:
    return cv2.GaussianBlur(picture, (0, 0), blur_px).astype(np.float32, copy=False)
