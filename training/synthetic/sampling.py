"""The fitted mesh sampled on the regular grid that pictures are warped with."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import Delaunay

from training.synthetic.face_model import FaceModel, Floats
from worker.specs import CROP_SIZE

MARGIN_PX: Final = 22
"""The grid reaches this far beyond the crop, so that a moving head brings in real surroundings."""
GRID: Final = 78
CANVAS_SPAN: Final = CROP_SIZE + 2 * MARGIN_PX
CELL_PX: Final = CANVAS_SPAN / (GRID - 1)

PACKED_PX: Final = 1 / 256
"""Displacements are kept as int16 in this unit: half the memory of f32, and quick to read."""

_FACING = 0.2
_DEEPEST_PX = -45.0
"""Ears and neck lie behind this; their depth is not asked for."""
_FADE_PX = 8.0
_NO_MAP = np.empty(0, dtype=np.float32)
"""OpenCV's place for y coordinates, which are interleaved with x here."""


def sample_motion(
    model: FaceModel, projected: Floats, motion: Floats
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """On the grid: motion f32 [M, 2, G, G, 3], depth f32 [G, G], face mask bool [G, G].

    `projected` f32 [V, 3] are the vertices and `motion` f32 [M, 2, V, 3] their displacement, in
    crop pixels both.
    """
    front = front_vertices(model, projected)
    values = np.concatenate([by_vertex(motion, front), projected[front, 2:]], axis=1)
    axis = np.linspace(-MARGIN_PX, CROP_SIZE + MARGIN_PX, GRID)
    sampled = interpolate(projected[front, :2], values, np.stack(np.meshgrid(axis, axis), axis=-1))
    face = ~np.isnan(sampled[..., -1])
    outside, nearest = distance_transform_edt(~face, return_indices=True)
    fade = np.exp(-((outside * CELL_PX / _FADE_PX) ** 2))[..., None]
    filled = sampled[nearest[0], nearest[1]]
    grid_motion = (filled[..., :-1] * fade).reshape(GRID, GRID, len(motion), -1, 3)
    depth = np.where(face, filled[..., -1], gaussian_filter(filled[..., -1], 3.0))
    depth = np.maximum(depth, _DEEPEST_PX)
    return (
        grid_motion.transpose(2, 3, 0, 1, 4).astype(np.float32),
        depth.astype(np.float32),
        face & (depth > _DEEPEST_PX),
    )


def by_vertex(motion: Floats, vertices: npt.NDArray[np.intp]) -> Floats:
    """Motion f32 [M, 2, V, 3] of some vertices as rows [len(vertices), M * 2 * 3]."""
    return motion[:, :, vertices].transpose(2, 0, 1, 3).reshape(len(vertices), -1)


def interpolate(at: Floats, values: Floats, wanted: npt.NDArray[np.float64]) -> Floats:
    """Values at points [..., 2], linear between vertices `at` [n, 2]; NaN outside of them."""
    return np.asarray(LinearNDInterpolator(Delaunay(at), values)(wanted), dtype=np.float32)


def front_vertices(model: FaceModel, projected: Floats) -> npt.NDArray[np.intp]:
    """Vertices whose surface faces the camera."""
    a, b, c = (projected[model.triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    at_vertex = np.zeros_like(projected)
    for corner in range(3):
        np.add.at(at_vertex, model.triangles[:, corner], normals)
    # y points down, which mirrors the mesh: outward normals have negative z after projection.
    facing = -at_vertex[:, 2] / (np.linalg.norm(at_vertex, axis=1) + 1e-9)
    return np.flatnonzero(facing > _FACING)


def packed(fields: Floats) -> npt.NDArray[np.int16]:
    """Displacements in crop pixels as they are kept."""
    return np.asarray(np.round(fields / PACKED_PX), dtype=np.int16)


def unpacked(fields: npt.NDArray[np.int16]) -> Floats:
    """Kept displacements in crop pixels."""
    return fields * np.float32(PACKED_PX)


def mixed(fields: npt.NDArray[np.int16], shares: Floats) -> Floats:
    """The sum f32 [...] of kept displacements [C, ...] by shares f32 [C], in crop pixels."""
    total = np.zeros(fields.shape[1:], dtype=np.float32)
    for channel in np.flatnonzero(shares):
        total += fields[channel] * np.float32(shares[channel] * PACKED_PX)
    return total


def resampled(fields: npt.NDArray[np.int16], at: Floats) -> npt.NDArray[np.int16]:
    """Kept displacements [C, h, w, 3] at pixel positions f32 [h', w', 2] of their grid."""
    # Positions in fixed point, once for all channels, halve the time.
    where = cv2.convertMaps(at, _NO_MAP, cv2.CV_16SC2)
    edge = cv2.BORDER_REPLICATE
    moved = [cv2.remap(field, *where, cv2.INTER_LINEAR, borderMode=edge) for field in fields]
    return np.asarray(moved, dtype=np.int16)


def grid_pixels(points: Floats) -> Floats:
    """Grid pixels of crop points f32 [..., 2]."""
    return (points + np.float32(MARGIN_PX)) * np.float32(1 / CELL_PX)


def look_up(grid: Floats, points: Floats) -> Floats:
    """Bilinear values of a grid [G, G, ...] at points f32 [..., 2] in crop pixels."""
    return remap(grid, grid_pixels(points))


def remap(
    picture: npt.NDArray[np.uint8] | Floats, at: Floats, how: int = cv2.INTER_LINEAR
) -> Floats:
    """Bilinear values of a picture at pixel positions f32 [..., 2]; its border repeats outside."""
    found = cv2.remap(picture, at, _NO_MAP, how, borderMode=cv2.BORDER_REPLICATE)
    return found.astype(np.float32, copy=False)
