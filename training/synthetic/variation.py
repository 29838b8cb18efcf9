"""New faces of known ones: another shape, part of another face, another skin, deeper folds."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from training.synthetic.canvas import Canvas
from training.synthetic.landmarks import Floats
from training.synthetic.rig import Rig
from training.synthetic.sampling import (
    CANVAS_SPAN,
    GRID,
    MARGIN_PX,
    grid_pixels,
    look_up,
    remap,
    resampled,
)
from training.synthetic.scene import GRID_POINTS
from training.synthetic.skin import FOLD_GRID, Folds, slopes

_AS_IS_SHARE = 0.15
_BLEND_SHARE = 0.35
_MODE_SPREAD = 0.9
_MOST_PX = 5.0
_SMOOTHING = 1.0
_COARSE: Final = 27
_TEMPLATE_POINTS = (36, 39, 42, 45, 30, 48, 54)
_TEETH = (0.8, 1.25)
_EYES_KEEP = 0.35
"""Eyes and teeth darken by this share of what the skin does."""


def varied(rigs: list[Rig], index: int, rng: np.random.Generator) -> Rig:
    """A face like `rigs[index]`, still in the production crop; one in seven stays as it is."""
    rig = rigs[index]
    if rng.random() < _AS_IS_SHARE:
        return rig
    if rng.random() < _BLEND_SHARE:
        rig = _blended(rig, rigs[int(rng.integers(len(rigs)))], rng.uniform(0.15, 0.5))
    rig = _reshaped(rig, rng.normal(0, _MODE_SPREAD, len(rig.shape68)).astype(np.float32))
    tone = float(np.clip(np.exp(rng.normal(-0.05, 0.3)), 0.4, 1.25))
    deeper = float(np.exp(rng.normal(-0.2, 0.5)))
    return replace(
        rig,
        canvas=_toned(rig.canvas, tone, rng.uniform(*_TEETH)),
        folds=replace(rig.folds, unit=rig.folds.unit * deeper),
    )


def _blended(rig: Rig, other: Rig, share: float) -> Rig:
    """The rig with a share of another face's picture, brought into its own shape."""
    if other is rig:
        return rig
    field = _smooth_field(rig.points68[:, :2], other.points68[:, :2] - rig.points68[:, :2])
    canvas = rig.canvas
    at = other.canvas.at(_canvas_points(canvas))
    at += canvas_field(field, canvas) * np.float32(canvas.scale)
    layers = []
    for own, foreign in (
        (canvas.skin, other.canvas.skin),
        (canvas.eyeballs, other.canvas.eyeballs),
    ):
        seen = remap(foreign, at)
        level = float(own.mean()) / max(float(seen.mean()), 1.0)
        mixed = (1 - share) * own + share * np.clip(seen * level, 0, 255)
        layers.append(mixed.astype(np.uint8))
    return replace(rig, canvas=replace(canvas, skin=layers[0], eyeballs=layers[1]))


def _reshaped(rig: Rig, weights: Floats) -> Rig:
    """The rig with another face shape; what the production alignment would undo is left out."""
    shift = np.tensordot(weights, rig.shape68, axes=1)
    points = rig.points68[:, :2]
    shift = shift - _similarity_part(points, shift)
    longest = float(np.linalg.norm(shift, axis=1).max())
    shift *= min(1.0, _MOST_PX / max(longest, 1e-6))
    forward_grid = _smooth_field(points, shift)

    def forward(at: Floats) -> Floats:
        at = np.ascontiguousarray(at, dtype=np.float32)
        return at + look_up(forward_grid, at[None])[0]

    origin = GRID_POINTS
    for _ in range(2):
        origin = GRID_POINTS - look_up(forward_grid, origin)
    depth = look_up(rig.depth, origin)
    offset = (origin - GRID_POINTS).astype(np.float32)
    moved68 = np.column_stack([forward(points), rig.points68[:, 2]])
    return replace(
        rig,
        canvas=_moved_canvas(rig.canvas, offset),
        motion=resampled(rig.motion, grid_pixels(origin)),
        depth=depth,
        slope=slopes(depth),
        face=look_up(rig.face.astype(np.float32), origin) > 0.5,  # noqa: PLR2004  # half covered
        eyes=(rig.eyes[0].moved(forward), rig.eyes[1].moved(forward)),
        mouth=rig.mouth.moved(forward, origin),
        folds=_moved_folds(rig.folds, offset),
        points68=moved68.astype(np.float32),
    )


def _similarity_part(points: Floats, shift: Floats) -> Floats:
    """The part of a shift [68, 2] that a similarity on the alignment's points would explain."""
    at = points @ np.array([1, 1j])
    by = shift @ np.array([1, 1j])
    chosen = list(_TEMPLATE_POINTS)
    centre = at[chosen].mean()
    centred = at[chosen] - centre
    factor = np.vdot(centred, by[chosen]) / np.vdot(centred, centred)
    part = by[chosen].mean() + factor * (at - centre)
    return np.stack([part.real, part.imag], axis=-1)


def _smooth_field(points: Floats, shift: Floats) -> Floats:
    """f32 [G, G, 2]: a smooth field through shifts [68, 2], none at the border."""
    axis = np.linspace(-MARGIN_PX, CANVAS_SPAN - MARGIN_PX, _COARSE)
    xs, ys = np.meshgrid(axis, axis)
    at = np.column_stack([xs.ravel(), ys.ravel()])
    rim = at[(at == axis[0]).any(axis=1) | (at == axis[-1]).any(axis=1)][::4]
    anchors = np.concatenate([points, rim])
    values = np.concatenate([shift, np.zeros((len(rim), 2))])
    smooth = RBFInterpolator(anchors, values, smoothing=_SMOOTHING, kernel="thin_plate_spline")
    coarse = smooth(at).reshape(_COARSE, _COARSE, 2).astype(np.float32)
    place = np.linspace(0, _COARSE - 1, GRID, dtype=np.float32)
    return remap(coarse, np.stack(np.meshgrid(place, place), axis=-1))


def _canvas_points(canvas: Canvas) -> Floats:
    """Crop coordinates f32 [C, C, 2] of a canvas's pixels."""
    count = len(canvas.skin)
    axis = (np.arange(count, dtype=np.float32) + 0.5) / canvas.scale - np.float32(
        0.5 + canvas.margin
    )
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def canvas_field(field: Floats, canvas: Canvas) -> Floats:
    """A field of the grid [G, G, 2] at every pixel of a canvas."""
    return look_up(field, _canvas_points(canvas))


def _moved_canvas(canvas: Canvas, offset: Floats) -> Canvas:
    at = canvas.at(_canvas_points(canvas) + canvas_field(offset, canvas))
    skin, eyeballs = (
        remap(picture, at, cv2.INTER_CUBIC).astype(np.uint8)
        for picture in (canvas.skin, canvas.eyeballs)
    )
    return replace(canvas, skin=skin, eyeballs=eyeballs)


def _moved_folds(folds: Folds, offset: Floats) -> Folds:
    axis = np.linspace(-MARGIN_PX, CANVAS_SPAN - MARGIN_PX, FOLD_GRID, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    at = Folds.at(points + look_up(offset, points))
    maps = [remap(fold.astype(np.float32), at) for fold in folds.maps]
    return replace(folds, maps=np.round(np.stack(maps)).astype(np.int8))


def _toned(canvas: Canvas, tone: float, teeth: float) -> Canvas:
    """Darker or lighter skin: eyes keep most of their brightness. Whiter or darker teeth."""
    skin = np.clip(canvas.skin * np.float32(tone), 0, 255).astype(np.uint8)
    other = np.float32(1 + (tone - 1) * _EYES_KEEP)
    eyes = np.clip(canvas.eyeballs * other, 0, 255).astype(np.uint8)
    return replace(canvas, skin=skin, eyeballs=eyes, white=canvas.white * np.float32(teeth) * other)
