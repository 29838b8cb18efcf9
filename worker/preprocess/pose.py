"""How a head that moves shifts the points of a crop: a rigid 3D motion, seen from afar."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from worker.domain import FloatArray
from worker.preprocess.face_shape import FaceShape

CENTRE: Final = (56.0, 50.0)
"""The point of the crop that the head turns about."""


@dataclass(frozen=True, slots=True)
class Points:
    """Crop pixels against the centre, each with its relief: three flat arrays f32 [n]."""

    x: FloatArray
    y: FloatArray
    z: FloatArray

    def turned(self, yaw: float, pitch: float) -> tuple[FloatArray, FloatArray]:
        """Where they lie in the crop when the head is turned (radians)."""
        x = self.x * np.float32(np.cos(yaw)) + self.z * np.float32(np.sin(yaw))
        near = self.z * np.float32(np.cos(yaw)) - self.x * np.float32(np.sin(yaw))
        y = self.y * np.float32(np.cos(pitch)) + near * np.float32(np.sin(pitch))
        return x + np.float32(CENTRE[0]), y + np.float32(CENTRE[1])


def points(shape: FaceShape, chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Points:
    """The chosen pixels (bool [S, S]) of the crop."""
    rows, columns = np.nonzero(chosen)
    return Points(
        (columns - CENTRE[0]).astype(np.float32),
        (rows - CENTRE[1]).astype(np.float32),
        shape.relief[chosen],
    )
