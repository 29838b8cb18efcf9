"""A portrait made movable: the face model fitted to it, its AU motion and depth on a grid."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator, RBFInterpolator
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import Delaunay

from training.synthetic.face_model import FaceModel, Floats
from worker.specs import AU_COUNT, CROP_SIZE, SIDES

MARGIN_PX: Final = 22
"""Canvas around the crop, in crop pixels, so that a moving head brings in real surroundings."""
CANVAS_SCALE: Final = 2
"""Canvas pixels per crop pixel: faces are rendered larger than they are analysed."""
GRID: Final = 78
CANVAS_SPAN: Final = CROP_SIZE + 2 * MARGIN_PX

_MODES = 40
_RIDGE = 30.0
_CAMERA_RIDGE = 20.0
_FIT_STEPS = 6
_WARP_SMOOTHING = 2.0
_FACING = 0.2
_DEEPEST_PX = -45.0
"""Ears and neck lie behind this; their depth is not asked for."""
_CHANNELS = AU_COUNT * len(SIDES) * 3


@dataclass(frozen=True)
class Rig:
    """One identity ready to be moved. Lengths are crop pixels; y points down, z to the camera."""

    name: str
    canvas: npt.NDArray[np.uint8]
    """gray uint8 [C, C], C = CANVAS_SCALE * CANVAS_SPAN"""
    motion: npt.NDArray[np.float16]
    """f16 [K, 2, G, G, 3]: displacement at FACS 5 over the canvas"""
    depth: Floats
    """f32 [G, G]: z of the neutral face, continued smoothly outside of it"""
    face: npt.NDArray[np.bool_]
    """bool [G, G]: grid points on the face"""
    lips: Floats
    """f32 [8, 2]: inner lip contour of the neutral face, crop pixels"""
    lip_motion: Floats
    """f32 [K, 2, 8, 2]: its displacement at FACS 5"""


def build_rig(
    name: str, gray: npt.NDArray[np.uint8], landmarks68: Floats, alignment: Floats, model: FaceModel
) -> Rig:
    """Fit `model` to landmarks f32 [68, 2] (image pixels) and sample its motion over the canvas.

    `alignment` f32 [2, 3] is the production similarity from image to crop pixels.
    """
    target = landmarks68 @ alignment[:, :2].T + alignment[:, 2]
    camera, vertices = fit(model, target)
    projected = vertices @ camera.T
    fitted68 = projected[model.landmarks68, :2]
    residual = RBFInterpolator(
        fitted68, target - fitted68, smoothing=_WARP_SMOOTHING, kernel="thin_plate_spline"
    )
    projected[:, :2] += residual(projected[:, :2])
    projected[:, 2] -= projected[model.landmarks68[27:36], 2].mean()
    motion = model.action_units @ camera.T
    inner = model.landmarks68[60:68]
    grid_motion, depth, face = sample_motion(model, projected, motion)
    return Rig(
        name,
        _canvas(gray, alignment),
        grid_motion,
        depth,
        face,
        target[60:68].astype(np.float32),
        motion[:, :, inner, :2].astype(np.float32),
    )


def fit(model: FaceModel, target: Floats) -> tuple[Floats, Floats]:
    """Camera f32 [3, 3] (model units to crop pixels, x right, y down, z near) and vertices [V, 3].

    Alternates an affine camera and ridge-regularised identity modes on the 68 landmarks. The
    camera's shift is folded into the vertices.
    """
    at = model.landmarks68
    basis = model.identity[:_MODES, at]
    affine, shift = _affine_camera(model.neutral[at], target)
    weights = np.zeros(_MODES, dtype=np.float32)
    for _ in range(_FIT_STEPS):
        design = np.einsum("mpc,ic->pim", basis, affine).reshape(-1, _MODES)
        rest = (target - shift - model.neutral[at] @ affine.T).reshape(-1)
        normal = design.T @ design + _RIDGE * np.eye(_MODES)
        weights = np.linalg.solve(normal, design.T @ rest).astype(np.float32)
        points = model.neutral[at] + np.tensordot(weights, basis, axes=1)
        affine, shift = _affine_camera(points, target)
    scale = float(np.sqrt(np.abs(np.linalg.det(affine[:, :2]))))
    camera = np.vstack([affine, [0.0, 0.0, scale]])
    vertices = model.neutral + np.tensordot(weights, model.identity[:_MODES], axes=1)
    vertices = vertices + np.linalg.solve(camera, [*shift, 0.0])
    return camera.astype(np.float32), vertices.astype(np.float32)


def _affine_camera(points: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Affine camera [2, 3] and shift [2]; the z column is shrunk, frontal faces barely show it."""
    design = np.hstack([points, np.ones((len(points), 1), dtype=np.float32)])
    penalty = np.diag([0.0, 0.0, _CAMERA_RIDGE, 0.0])
    solution = np.linalg.solve(design.T @ design + penalty, design.T @ target)
    return solution[:3].T, solution[3]


def sample_motion(
    model: FaceModel, projected: Floats, motion: Floats
) -> tuple[npt.NDArray[np.float16], Floats, npt.NDArray[np.bool_]]:
    """On the canvas: AU motion f16 [K, 2, G, G, 3], depth f32 [G, G], face mask bool [G, G].

    `projected` f32 [V, 3] are the vertices and `motion` f32 [K, 2, V, 3] their displacement, in
    crop pixels both.
    """
    front = _front_vertices(model, projected)
    mesh = Delaunay(projected[front, :2])
    values = np.concatenate(
        [motion[:, :, front].transpose(2, 0, 1, 3).reshape(len(front), -1), projected[front, 2:]],
        axis=1,
    )
    axis = np.linspace(-MARGIN_PX, CROP_SIZE + MARGIN_PX, GRID)
    xs, ys = np.meshgrid(axis, axis)
    sampled = LinearNDInterpolator(mesh, values)(np.stack([xs, ys], axis=-1))
    face = ~np.isnan(sampled[..., -1])
    outside, nearest = distance_transform_edt(~face, return_indices=True)
    fade = np.exp(-((outside / 4.0) ** 2))[..., None]
    filled = sampled[nearest[0], nearest[1]]
    grid_motion = (filled[..., :_CHANNELS] * fade).reshape(GRID, GRID, AU_COUNT, len(SIDES), 3)
    depth = np.where(face, filled[..., -1], gaussian_filter(filled[..., -1], 3.0))
    depth = np.maximum(depth, _DEEPEST_PX)
    return (
        grid_motion.transpose(2, 3, 0, 1, 4).astype(np.float16),
        depth.astype(np.float32),
        face & (depth > _DEEPEST_PX),
    )


def _front_vertices(model: FaceModel, projected: Floats) -> npt.NDArray[np.intp]:
    """Vertices whose surface faces the camera."""
    a, b, c = (projected[model.triangles[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    at_vertex = np.zeros_like(projected)
    for corner in range(3):
        np.add.at(at_vertex, model.triangles[:, corner], normals)
    # y points down, which mirrors the mesh: outward normals have negative z after projection.
    facing = -at_vertex[:, 2] / (np.linalg.norm(at_vertex, axis=1) + 1e-9)
    return np.flatnonzero(facing > _FACING)


def _canvas(gray: npt.NDArray[np.uint8], alignment: Floats) -> npt.NDArray[np.uint8]:
    """The portrait over the canvas, area-averaged where it is larger."""
    scale = float(np.hypot(alignment[0, 0], alignment[1, 0])) * CANVAS_SCALE
    matrix = (alignment * CANVAS_SCALE).astype(np.float64)
    matrix[:, 2] += CANVAS_SCALE * MARGIN_PX
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
        matrix[:, :2] /= scale
    size = CANVAS_SCALE * CANVAS_SPAN
    warped = cv2.warpAffine(
        gray, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)
