"""The display matrix: how frames have to be turned and mirrored to be upright."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.domain import Image


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to lay a rectangle on itself: transposed first, then flipped."""

    rotation: int = 0
    """Degrees clockwise: 0, 90, 180 or 270; a mirrored frame is turned before it is mirrored."""
    is_transposed: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    def apply(self, image: Image) -> Image:
        """The upright image, contiguous."""
        if self.is_transposed:
            image = image.transpose(1, 0, 2)
        if self.flips_rows:
            image = image[::-1]
        if self.flips_columns:
            image = image[:, ::-1]
        return np.ascontiguousarray(image)


def from_display_matrix(matrix: Sequence[int]) -> Orientation:
    """The nearest orientation to a display matrix i32 [9] (rows a b u, c d v, x y w).

    The matrix takes the stored pixel (x, y) to the shown one (ax + cy, bx + dy).
    """
    a, b, c, d = (matrix[index] for index in (0, 1, 3, 4))
    is_transposed = abs(b) > abs(a)
    to_column, to_row = (c, b) if is_transposed else (a, d)
    is_mirrored = a * d - b * c < 0
    angle = math.atan2(b, -a if is_mirrored else a)
    rotation = round(math.degrees(angle) / 90) % 4 * 90
    return Orientation(rotation, is_transposed, flips_rows=to_row < 0, flips_columns=to_column < 0)


def from_rotation(degrees: int) -> Orientation:
    """Turned by right angles, not mirrored. Degrees counterclockwise, as FFmpeg counts."""
    rotation = round(-degrees / 90) % 4 * 90
    return Orientation(
        rotation,
        is_transposed=rotation in {90, 270},
        flips_rows=rotation in {180, 270},
        flips_columns=rotation in {90, 180},
    )
