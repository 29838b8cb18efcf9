"""The 3D face fitted to the landmarks of a portrait."""

import numpy as np
from scipy.interpolate import RBFInterpolator

from training.synthetic.face_model import FaceModel, Floats

_MODES = 40
_RIDGE = 30.0
_CAMERA_RIDGE = 20.0
_FIT_STEPS = 6
_WARP_SMOOTHING = 2.0


def place(model: FaceModel, target: Floats) -> tuple[Floats, Floats]:
    """Camera f32 [3, 3] and vertices f32 [V, 3] in crop pixels, exact at landmarks f32 [68, 2].

    What identity modes and camera leave over is a smooth warp. z is 0 about the nose.
    """
    camera, vertices = fit(model, target)
    projected = vertices @ camera.T
    fitted68 = projected[model.landmarks68, :2]
    residual = RBFInterpolator(
        fitted68, target - fitted68, smoothing=_WARP_SMOOTHING, kernel="thin_plate_spline"
    )
    projected[:, :2] += residual(projected[:, :2])
    projected[:, 2] -= projected[model.landmarks68[27:36], 2].mean()
    return camera, projected


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
