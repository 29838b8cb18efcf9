"""A portrait made movable: the face model fitted to it, its motion and depth on a grid."""

import zlib
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.canvas import SCALE, Canvas, Picture, lay_out
from training.synthetic.eyes import Eye, build_eye, eye_zone
from training.synthetic.face_model import FaceModel, Floats
from training.synthetic.fit import place
from training.synthetic.landmarks import EyeOutline, FacialPoints
from training.synthetic.mouth import Mouth, build_mouth
from training.synthetic.sampling import GRID, MARGIN_PX, packed, sample_motion
from training.synthetic.skin import Folds, build_folds, slopes
from worker.specs import SIDES

RIGID: Final = (27, 28, 29, 36, 39, 42, 45)
"""Multi-PIE points that no expression moves much: nose bridge and corners of the eyes."""

_SHAPE_MODES = 16
_FILL_CELLS = 2.5
_MARGIN_EYES = ((37, 38, 41, 40), (43, 44, 47, 46))
"""Multi-PIE points on the upper and the lower lid margin; image left first."""


@dataclass(frozen=True)
class Rig:
    """One identity ready to be moved. Lengths are crop pixels; y points down, z to the camera."""

    name: str
    canvas: Canvas
    motion: npt.NDArray[np.int16]
    """[C, G, G, 3]: packed displacement at full activation over the grid, C as in `shares`"""
    depth: Floats
    """f32 [G, G]: z of the neutral face, continued smoothly outside of it"""
    slope: Floats
    """f32 [G, G, 2]: its slope"""
    face: npt.NDArray[np.bool_]
    """bool [G, G]: grid points on the face"""
    eyes: tuple[Eye, Eye]
    """Image left first."""
    mouth: Mouth
    folds: Folds
    points68: Floats
    """f32 [68, 3]: Multi-PIE points of the neutral face"""
    motion68: Floats
    """f32 [C, 68, 3]: their displacement at full activation"""
    shape68: Floats
    """f32 [I, 68, 2]: their displacement by the face model's foremost identity modes"""


@dataclass(frozen=True)
class Fitted:
    """The 3D face on a portrait, before its pixels are laid out."""

    alignment: Floats
    """f32 [2, 3]: production similarity from image to crop pixels"""
    points68: Floats
    """f32 [68, 2], crop pixels"""
    eyes: tuple[EyeOutline, EyeOutline]
    projected: Floats
    """f32 [V, 3], crop pixels"""
    motion: Floats
    """f32 [M, 2, V, 3], crop pixels"""
    shape68: Floats
    """f32 [I, 68, 2], crop pixels"""


def build_rig(
    name: str, image: Picture, points: FacialPoints, alignment: Floats, model: FaceModel
) -> Rig:
    """Fit `model` to a portrait's points (its pixels) and sample all motion over the grid.

    `alignment` f32 [2, 3] is the production similarity from image to crop pixels. Gray portraits
    [H, W] give gray pictures, colour ones [H, W, 3] colour.
    """
    return rig_of(name, image, fitted(points, alignment, model), model, MARGIN_PX)


def fitted(points: FacialPoints, alignment: Floats, model: FaceModel) -> Fitted:
    """The model placed on a portrait."""
    target = (points.points68 @ alignment[:, :2].T + alignment[:, 2]).astype(np.float32)
    eyes = points.eyes[0].moved(alignment), points.eyes[1].moved(alignment)
    camera, projected = place(model, target)
    motion = model.movements @ camera.T
    shapes = model.identity[:_SHAPE_MODES, model.landmarks68] @ camera[:2].T
    return Fitted(
        alignment, target, eyes, projected, motion.astype(np.float32), shapes.astype(np.float32)
    )


def rig_of(
    name: str, image: Picture, fit: Fitted, model: FaceModel, margin: int, scale: int = SCALE
) -> Rig:
    """The rig of a placed face; the canvas reaches `margin` crop pixels beyond the crop."""
    whole, depth, face = sample_motion(model, fit.projected, fit.motion)
    mouth = build_mouth(model, fit.projected, fit.motion, fit.points68[60:68], whole)
    skin = _without_lids(whole.reshape(-1, GRID, GRID, 3), fit.eyes)
    at68 = model.landmarks68
    motion68 = fit.motion[:, :, at68].reshape(-1, len(at68), 3)
    eyes = []
    for row, outline in enumerate(fit.eyes):
        margins = motion68[:, list(_MARGIN_EYES[row]), :2]
        eyes.append(build_eye(outline, len(SIDES) - 1 - row, skin, margins))
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    near = np.column_stack([fit.points68, fit.projected[at68, 2]]).astype(np.float32)
    return Rig(
        name=name,
        canvas=lay_out(image, fit.alignment, fit.eyes, margin, scale),
        motion=packed(skin),
        depth=depth,
        slope=slopes(depth),
        face=face,
        eyes=(eyes[0], eyes[1]),
        mouth=mouth,
        folds=build_folds(fit.points68, fit.eyes, len(motion68), rng),
        points68=near,
        motion68=motion68,
        shape68=fit.shape68,
    )


def _without_lids(motion: Floats, eyes: tuple[EyeOutline, EyeOutline]) -> Floats:
    """Motion f32 [C, G, G, 3] with the lids' own part smoothed over from around the eyes."""
    zone = np.maximum(eye_zone(eyes[0]), eye_zone(eyes[1]))
    keep = 1 - zone
    mass = cv2.GaussianBlur(keep, (0, 0), _FILL_CELLS) + 1e-4
    smooth = motion.copy()
    for channel, field in enumerate(motion):
        around = cv2.GaussianBlur(field * keep[..., None], (0, 0), _FILL_CELLS) / mass[..., None]
        smooth[channel] = field + zone[..., None] * (around - field)
    return smooth
