"""One picture of a moved portrait, with its true depth."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.motion import Pose
from training.synthetic.rig import CANVAS_SCALE, CANVAS_SPAN, GRID, MARGIN_PX, Rig
from worker.specs import AU_MAX, CROP_SIZE

Floats = npt.NDArray[np.float32]

PICTURE: Final = CROP_SIZE * CANVAS_SCALE
DEPTH_UNIT_PX: Final = 40.0
"""Depth is given in eye distances, which the crop template makes 40 px."""

_MOUTH_OPEN_PX2 = 12.0
_HALF = 0.5
_MOUTH_GRAY = 45.0
_TEETH_GRAY = 150.0


def render(rig: Rig, intensity: Floats, pose: Pose) -> Floats:
    """Picture f32 [P, P] (gray 0..255) of the rig under intensities f32 [K, 2] (FACS) and a pose.

    A backward remap: every pixel of the picture looks up where on the neutral face it came from.
    """
    grid = displacement(rig, intensity, pose)[..., :2]
    to_face = _inverse(pose)
    axis = np.arange(CROP_SIZE, dtype=np.float32)
    xs, ys = np.meshgrid(axis, axis)
    points = np.stack([xs, ys], axis=-1) @ to_face[:, :2].T + to_face[:, 2]
    source = points.astype(np.float32)
    for _ in range(2):  # The field is given where a point starts; two steps find that place.
        source = points.astype(np.float32) - _look_up(grid, source)
    fine = cv2.resize(source, (PICTURE, PICTURE), interpolation=cv2.INTER_LINEAR)
    canvas_at = (fine + MARGIN_PX + 0.5) * CANVAS_SCALE - 0.5
    picture = _remap(rig.canvas, canvas_at)
    return _open_mouth(picture, rig, intensity, pose)


def depth_map(rig: Rig, intensity: Floats, pose: Pose) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """True depth f32 [S, S] in eye distances (larger is nearer) and the face mask bool [S, S]."""
    field = displacement(rig, intensity, pose)
    to_face = _inverse(pose)
    axis = np.arange(CROP_SIZE, dtype=np.float32)
    xs, ys = np.meshgrid(axis, axis)
    points = (np.stack([xs, ys], axis=-1) @ to_face[:, :2].T + to_face[:, 2]).astype(np.float32)
    source = points - _look_up(field[..., :2], points)
    layers = np.dstack([rig.depth + field[..., 2], rig.face.astype(np.float32)])
    seen = _look_up(layers.astype(np.float32), source)
    return (seen[..., 0] / DEPTH_UNIT_PX).astype(np.float32), seen[..., 1] > _HALF


def displacement(rig: Rig, intensity: Floats, pose: Pose) -> Floats:
    """Displacement f32 [G, G, 3] in crop pixels: AU motion, and parallax of a turning head."""
    share = intensity / AU_MAX
    field = np.zeros((GRID, GRID, 3), dtype=np.float32)
    for unit, side in zip(*np.nonzero(share), strict=True):
        field += share[unit, side] * rig.motion[unit, side].astype(np.float32)
    near = rig.depth + field[..., 2]
    field[..., 0] += np.sin(pose.yaw) * near
    field[..., 1] += np.sin(pose.pitch) * near
    return field


def _inverse(pose: Pose) -> npt.NDArray[np.float64]:
    """Affine [2, 3] from picture to face coordinates; the head turns about the crop's centre."""
    centre = CROP_SIZE / 2
    scale = np.exp(-pose.log_scale)
    cos, sin = scale * np.cos(pose.roll), scale * np.sin(pose.roll)
    turn = np.array([[cos, sin], [-sin, cos]])
    moved = np.array([centre + pose.shift[0], centre + pose.shift[1]])
    return np.column_stack([turn, np.array([centre, centre]) - turn @ moved])


def _look_up(grid: Floats, points: Floats) -> Floats:
    """Bilinear values of a grid over the canvas at points in crop pixels."""
    at = (points + MARGIN_PX) * ((GRID - 1) / CANVAS_SPAN)
    return _remap(grid, at.astype(np.float32))


def _remap(picture: npt.NDArray[np.uint8] | Floats, at: Floats) -> Floats:
    """Bilinear values of a picture at pixel positions f32 [..., 2]; its border repeats outside."""
    found = cv2.remap(
        picture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found.astype(np.float32, copy=False)


def _open_mouth(picture: Floats, rig: Rig, intensity: Floats, pose: Pose) -> Floats:
    """Paint what parted lips uncover: a warp alone would stretch the lips over the opening."""
    share = (intensity / AU_MAX)[..., None, None]
    moved = rig.lips + (share * rig.lip_motion).sum(axis=(0, 1))
    opened = cv2.contourArea(moved) - cv2.contourArea(rig.lips)
    if opened < _MOUTH_OPEN_PX2:
        return picture
    to_face = np.vstack([_inverse(pose), [0, 0, 1]])
    to_picture = np.linalg.inv(to_face)
    outline = (moved @ to_picture[:2, :2].T + to_picture[:2, 2] + 0.5) * CANVAS_SCALE - 0.5
    inside = np.zeros(picture.shape, dtype=np.float32)
    cv2.fillPoly(inside, [np.round(outline * 8).astype(np.int32)], (1.0,), cv2.LINE_AA, shift=3)
    inside = cv2.GaussianBlur(inside, (0, 0), 1.0).astype(np.float32, copy=False)
    rows = np.linspace(0, 1, picture.shape[0], dtype=np.float32)[:, None]
    top, bottom = outline[:, 1].min() / picture.shape[0], outline[:, 1].max() / picture.shape[0]
    teeth = np.clip(1 - (rows - top) / max(0.6 * (bottom - top), 1e-3), 0, 1)
    tone = _MOUTH_GRAY + (_TEETH_GRAY - _MOUTH_GRAY) * teeth
    return picture * (1 - inside) + tone * inside
