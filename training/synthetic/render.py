"""One picture of a moved portrait, with its true depth and landmarks."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.canvas import SCALE
from training.synthetic.expression import Expression
from training.synthetic.inlays import carried_at, finer, part_lips, slide_lids, trace
from training.synthetic.motion import Pose
from training.synthetic.rig import Rig
from training.synthetic.sampling import look_up, remap
from training.synthetic.scene import CROP_VIEW, Scene, View
from training.synthetic.skin import lambert, slopes, squeezed
from worker.specs import CROP_SIZE

Floats = npt.NDArray[np.float32]

PICTURE: Final = CROP_SIZE * SCALE
DEPTH_UNIT_PX: Final = 40.0
"""Depth is given in eye distances, which the crop template makes 40 px."""

_HALF = 0.5
_EDGE_CELLS = 2.5
_LIT_RANGE = (0.55, 1.4)
_LIDS_OF_68 = (
    ((37, 38), (41, 40)),
    ((43, 44), (47, 46)),
)
"""Multi-PIE points on the upper and lower lid margin of each eye, image left first."""


def render(
    rig: Rig,
    expression: Expression,
    pose: Pose,
    view: View = CROP_VIEW,
    light: tuple[float, float] = (0.0, 0.0),
) -> Floats:
    """Picture f32 [P, P] or [P, P, 3] (0..255), P = side * canvas scale, of a posed face.

    A backward remap: every pixel of the picture looks up where on the neutral face it came from.
    Lids and lips slide over what is beneath them. `light` is the slope that faces the light.
    """
    scene = Scene(rig, expression.shares(), expression.gaze, pose, view, light)
    points = view.points(pose.to_face())
    motion = scene.motion()
    grid = scene.turned(motion)
    field = grid.copy()
    field[..., 2] = _shading(scene, grid, motion)
    source, found = trace(lambda at: look_up(field, at), points)
    dimmed = found[..., 2]
    folds = rig.folds.darkening(scene.shares)
    if folds is not None:
        dimmed = dimmed * np.exp(remap(folds, rig.folds.at(source)))
    fine, shade = finer(scene, source), finer(scene, dimmed)
    inlays = [part_lips(scene, points, fine, shade)]
    inlays += [slide_lids(scene, eye, fine, shade, carried_at(grid, eye)) for eye in rig.eyes]
    picture = remap(rig.canvas.skin, rig.canvas.at(fine))
    picture *= shade if picture.ndim == shade.ndim else shade[..., None]
    for inlay in inlays:
        if inlay is not None:
            inlay.lay_in(picture)
    return picture


def depth_map(
    rig: Rig, expression: Expression, pose: Pose, view: View = CROP_VIEW, step: int = 1
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """True depth f32 [side, side] in eye distances (larger is nearer) and the face mask.

    A larger step gives one value for each block of that many pixels squared.
    """
    scene = Scene(rig, expression.shares(), expression.gaze, pose, view)
    grid = scene.displacement()
    near, face = rig.depth + grid[..., 2], rig.face.astype(np.float32)
    field = np.dstack([grid[..., :2], near, face])
    _, seen = trace(lambda at: look_up(field, at), view.points(pose.to_face(), step))
    depth = seen[..., 2] * np.exp(pose.log_scale) / DEPTH_UNIT_PX
    return depth.astype(np.float32), seen[..., 3] > _HALF


def landmarks(rig: Rig, expression: Expression, pose: Pose) -> Floats:
    """Where the 68 Multi-PIE points f32 [68, 2] truly are, in crop coordinates."""
    shares = expression.shares()
    moved = rig.points68 + np.tensordot(shares, rig.motion68, axes=1)
    skin = Scene(rig, shares, expression.gaze, pose).motion()
    for eye, points in zip(rig.eyes, _LIDS_OF_68, strict=True):
        lids = eye.lids(shares, expression.gaze)
        margins = (eye.upper, lids.upper), (eye.lower, lids.lower)
        for curves, pair in zip(margins, points, strict=True):
            at = rig.points68[list(pair)]
            carried = look_up(skin, np.ascontiguousarray(at[None, :, :2]))[0]
            before, now = (np.interp(at[:, 0], eye.xs, curve) for curve in curves)
            moved[list(pair)] = at + carried
            moved[list(pair), 1] += now - before
    affine = pose.to_picture()
    seen = pose.turned(moved.astype(np.float32))[:, :2] @ affine[:, :2].T + affine[:, 2]
    return seen.astype(np.float32)


def _shading(scene: Scene, grid: Floats, motion: Floats) -> Floats:
    """Factor f32 [G, G]: light on the moved relief against the portrait's, which came from ahead.

    Beyond the face nothing is known of the relief, and the light changes nothing.
    """
    rig = scene.rig
    lit = lambert(slopes(rig.depth + grid[..., 2]), scene.light) / lambert(rig.slope, (0.0, 0.0))
    on_face = cv2.GaussianBlur(rig.face.astype(np.float32), (0, 0), _EDGE_CELLS)
    return (1 + on_face * (np.clip(lit, *_LIT_RANGE) - 1)) * squeezed(motion)
