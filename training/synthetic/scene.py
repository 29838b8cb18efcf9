"""One moment of one face: what all parts of its picture are computed from."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.motion import Pose
from training.synthetic.rig import Rig
from training.synthetic.sampling import CELL_PX, GRID, MARGIN_PX, mixed
from worker.specs import CROP_SIZE

Floats = npt.NDArray[np.float32]

_AXIS = np.arange(GRID, dtype=np.float32) * np.float32(CELL_PX) - np.float32(MARGIN_PX)
GRID_POINTS: Final = np.stack(np.meshgrid(_AXIS, _AXIS), axis=-1)
"""f32 [G, G, 2]: crop coordinates of the motion grid."""


@dataclass(frozen=True)
class View:
    """The square of the plane that is pictured, in crop pixels; the default is the crop."""

    x: int = 0
    y: int = 0
    side: int = CROP_SIZE

    def points(self, affine: Floats, step: int = 1) -> Floats:
        """Crop pixels f32 [side / step, side / step, 2] of the view, mapped by an affine [2, 3].

        A larger step gives the centres of blocks of pixels.
        """
        along = np.arange(0, self.side, step, dtype=np.float32) + np.float32((step - 1) / 2)
        xs, ys = self.x + along[None], self.y + along[:, None]
        rows = [a * xs + (b * ys + c) for a, b, c in affine.astype(np.float32)]
        return cv2.merge(rows).astype(np.float32, copy=False)

    def box(self, corners: Floats) -> tuple[slice, slice]:
        """Rows and columns, in whole crop pixels, that hold points f32 [n, 2]; may be empty."""
        low = np.floor(corners.min(axis=0)).astype(int) - [self.x, self.y]
        high = np.ceil(corners.max(axis=0)).astype(int) - [self.x, self.y]
        (c0, r0), (c1, r1) = np.clip(low, 0, self.side), np.clip(high, 0, self.side)
        return slice(int(r0), int(r1)), slice(int(c0), int(c1))


CROP_VIEW: Final = View()


@dataclass(frozen=True)
class Scene:
    """A rig under shares f32 [C] of its movements, a gaze and a pose, lit from a slope."""

    rig: Rig
    shares: Floats
    gaze: tuple[float, float]
    pose: Pose
    view: View = CROP_VIEW
    light: tuple[float, float] = (0.0, 0.0)

    @property
    def scale(self) -> int:
        """Pixels of the picture per crop pixel."""
        return self.rig.canvas.scale

    def motion(self) -> Floats:
        """What the expression moves: f32 [G, G, 3] in crop pixels."""
        return mixed(self.rig.motion, self.shares)

    def displacement(self) -> Floats:
        """The same with the turn of the head."""
        return self.turned(self.motion())

    def lip_displacements(self) -> tuple[Floats, Floats]:
        """The same for the mouth's part of the grid as upper and lower lip move."""
        mouth = self.rig.mouth
        upper, lower = mouth.fields(self.shares)
        place = mouth.rows, mouth.columns
        return self.turned(upper, *place), self.turned(lower, *place)

    def turned(
        self, field: Floats, rows: slice = slice(None), columns: slice = slice(None)
    ) -> Floats:
        """A displacement f32 [h, w, 3] of this part of the grid with the head's turn on top."""
        if not self.pose.yaw and not self.pose.pitch:
            return field
        rest = np.empty_like(field)
        rest[..., :2] = GRID_POINTS[rows, columns]
        rest[..., 2] = self.rig.depth[rows, columns]
        return self.pose.turned(rest + field) - rest

    def corners_in_view(self, box: tuple[float, float, float, float]) -> Floats:
        """Corners f32 [4, 2] of a box x0, y0, x1, y1 of the turned face, in the picture's plane."""
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float32)
        affine = self.pose.to_picture()
        return corners @ affine[:, :2].T + affine[:, 2]

    def enlarged(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """A place of the view in picture pixels."""
        return (
            slice(rows.start * self.scale, rows.stop * self.scale),
            slice(columns.start * self.scale, columns.stop * self.scale),
        )
