"""Parts of the picture that skin slides over: eyeballs and the inside of the mouth."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.eyes import Eye
from training.synthetic.sampling import look_up, remap
from training.synthetic.scene import Scene

Floats = npt.NDArray[np.float32]

_LID_SHADOW, _LID_SHADOW_PX = 0.22, 0.8
_SEAM, _SEAM_PX = 0.35, 0.6
_LIP_SHADOW, _LIP_SHADOW_PX = 0.4, 1.6
_MOUTH_REACH = (7.0, 9.0, 15.0)
"""Crop pixels beside, above and below the lips' line that lips may move apart in."""
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_TEETH_DEPTH_PX = -4.0


@dataclass(frozen=True)
class Inlay:
    """Colours f32 [h, w] or [h, w, 3] laid over a place of the picture by alpha f32 [h, w]."""

    rows: slice
    columns: slice
    alpha: Floats
    colour: Floats

    def lay_in(self, picture: Floats) -> None:
        """Blend it into the picture, in place."""
        alpha = self.alpha if self.colour.ndim == self.alpha.ndim else self.alpha[..., None]
        under = picture[self.rows, self.columns]
        under += alpha * (self.colour - under)


def trace(
    look: Callable[[Floats], Floats], points: Floats, steps: int = 3
) -> tuple[Floats, Floats]:
    """Where on the neutral face points came from, and the field f32 [..., n] found there.

    A field is given where a point starts; a few fixed-point steps find that place.
    """
    source = points
    found = look(source)
    for _ in range(steps - 1):
        source = points - found[..., :2]
        found = look(source)
    return points - found[..., :2], found


def slide_lids(
    scene: Scene, eye: Eye, fine: Floats, shade: Floats, carried: Floats
) -> Inlay | None:
    """Move one eye's lid skin (edits `fine` f32 [P, P, 2] and `shade`), return the eyeball.

    `carried` f32 [2] is how far the skin about the eye moves as a whole.
    """
    x0, y0, x1, y1 = eye.region
    moved = (x0 + carried[0], y0 + carried[1], x1 + carried[0], y1 + carried[1])
    rows, columns = scene.enlarged(*scene.view.box(scene.corners_in_view(moved)))
    points = fine[rows, columns].copy()
    if not points.size:
        return None
    lids = eye.lids(scene.shares, scene.gaze)
    source, from_upper, from_lower = lids.skin_source(points)
    fine[rows, columns, 1] = source
    seam = np.exp(-((np.minimum(np.abs(from_upper), 9) / _SEAM_PX) ** 2))
    light = shade[rows, columns].copy()
    shade[rows, columns] *= 1 - _SEAM * lids.closure * seam
    alpha = np.clip(from_upper * scene.scale, 0, 1) * np.clip(from_lower * scene.scale, 0, 1)
    canvas = scene.rig.canvas
    ball = remap(canvas.eyeballs, canvas.at(lids.eyeball_source(points, scene.gaze)))
    shadow = 1 - _LID_SHADOW * np.exp(-np.maximum(from_upper, 0) / _LID_SHADOW_PX)
    shadow = shadow * light
    ball = ball * (shadow if ball.ndim == shadow.ndim else shadow[..., None])
    return Inlay(rows, columns, alpha.astype(np.float32), ball.astype(np.float32))


def part_lips(scene: Scene, points: Floats, fine: Floats, shade: Floats) -> Inlay | None:
    """Move the lips apart (edits `fine` f32 [P, P, 2]), return what shows between them.

    `points` f32 [side, side, 2] are the view's pixels in the plane of the turned face, `shade`
    f32 [P, P] the light on the skin.
    """
    mouth = scene.rig.mouth
    xs, ys = mouth.line
    beside, above, below = _MOUTH_REACH
    fields = scene.lip_displacements()
    drop = max(float(fields[1][..., 1].max()), 0.0)
    sideways = float(np.abs(fields[1][..., 0]).mean())
    box = (
        float(xs[0]) - beside - sideways,
        float(ys.min()) - above,
        float(xs[-1]) + beside + sideways,
        float(ys.max()) + below + drop,
    )
    place = scene.view.box(scene.corners_in_view(box))
    at = points[place]
    if min(at.shape[:2]) < scene.scale * 2:
        return None
    coarse = []
    for field in fields:
        source, _ = trace(lambda q, f=field: mouth.look_up(f[..., :2], q), at, 2)  # type: ignore[misc]  # f is bound now
        coarse += [source, mouth.below_line(source)]
    upper, under_upper, lower, under_lower, at = (
        _inside(scene, finer(scene, each)) for each in (*coarse, at)
    )
    rows, columns = (
        slice(s.start + scene.scale, s.stop - scene.scale) for s in scene.enlarged(*place)
    )
    from_upper, from_lower = under_upper, -under_lower
    nearer = (from_upper < from_lower)[..., None]
    fine[rows, columns] = np.where(nearer, upper, lower)
    alpha = np.clip(from_upper * scene.scale, 0, 1) * np.clip(from_lower * scene.scale, 0, 1)
    open_at = np.nonzero(alpha)
    if not len(open_at[0]):
        return None
    colour = np.zeros((*alpha.shape, *scene.rig.canvas.white.shape), dtype=np.float32)
    light = shade[rows, columns][open_at]
    colour[open_at] = _between_lips(scene, at[open_at], from_upper[open_at], light)
    return Inlay(rows, columns, alpha.astype(np.float32), colour)


def finer(scene: Scene, layer: Floats) -> Floats:
    """A layer f32 [h, w] or [h, w, n] of whole crop pixels at the picture's resolution."""
    return cv2.resize(layer, None, fx=scene.scale, fy=scene.scale).astype(np.float32, copy=False)


def _inside(scene: Scene, fine: Floats) -> Floats:
    """Without the outermost crop pixels, where enlarging has nothing to go by."""
    return fine[scene.scale : -scene.scale, scene.scale : -scene.scale]


def _between_lips(scene: Scene, points: Floats, from_upper: Floats, light: Floats) -> Floats:
    mouth = scene.rig.mouth
    middle = np.array([mouth.line[0].mean(), mouth.line[1].mean(), _TEETH_DEPTH_PX], np.float32)
    carried = (scene.pose.turned(middle) - middle)[:2]
    inside = mouth.interior(points - carried, scene.shares)
    shadow = 1 - _LIP_SHADOW * np.exp(-np.maximum(from_upper, 0) / _LIP_SHADOW_PX)
    inside = inside * (shadow * light)[..., None]
    white = scene.rig.canvas.white
    return np.asarray((inside if white.ndim else inside @ _LUMA) * white, dtype=np.float32)


def carried_at(field: Floats, eye: Eye) -> Floats:
    """Displacement f32 [2] of the skin about an eye's iris."""
    x, y, _ = eye.iris
    at = np.array([[[x, y]]], dtype=np.float32)
    found: Floats = look_up(field, at)[0, 0, :2]
    return found
