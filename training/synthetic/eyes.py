"""Eyelids: skin that slides over an eyeball, where a plain warp would squeeze the eye."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from training.synthetic.landmarks import EyeOutline, Floats
from training.synthetic.sampling import CELL_PX, GRID, MARGIN_PX, look_up, remap
from worker.specs import AU_NUMBERS, SIDES

COLUMNS: Final = 33
_ROWS: Final = 48
_BESIDE_FADE_PX = 3.0
_BLINK = AU_NUMBERS.index(45)
_LASH_PX = 1.2
"""Height of the lid's edge with its lashes: it moves as a whole, the skin above it stretches."""
_LID_EDGE_PX = 0.35
_LEAST_FOLD_PX = 0.5
_LEAST_OPENING_PX = 0.05
_ABOVE_PX = 5.0
_BELOW_PX = 5.0
_CREASE_FOLLOWS = 0.3
_LOWER_RISES = 0.12
"""Share of the opening that the lower lid closes in a blink."""
_GAZE_LID = 0.6
"""A lid follows the eyeball this far: it sinks when the gaze does."""
_GAZE_REACH = 2.6
_UNFOLDS_PX = 2.0
"""Skin from above the crease that a closed lid shows."""
_RIM_SHARE = 0.55
_SLIT_PX = 1.5
_REGION_PX = (4.0, 6.0, 6.0)
"""Pixels that a lid may change: beside, above and below the opening."""


@dataclass(frozen=True)
class Eye:
    """One eye in crop pixels: curves over T columns from image left to right."""

    xs: Floats
    upper: Floats
    lower: Floats
    crease: Floats
    iris: tuple[float, float, float]
    upper_motion: Floats
    """f32 [C, T]: fall of the upper margin at full activation, beside the skin's own motion"""
    lower_motion: Floats
    """f32 [C, T]"""

    @property
    def region(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of what the lids may change on the neutral face."""
        beside, above, below = _REGION_PX
        return (
            float(self.xs[0]) - beside,
            float(self.crease.min()) - above,
            float(self.xs[-1]) + beside,
            float(self.lower.max()) + below,
        )

    def moved(self, forward: Callable[[Floats], Floats]) -> "Eye":
        """The eye of a face whose points [n, 2] were moved; its blink closes the new opening."""
        curves = [
            forward(np.stack([self.xs, curve], axis=-1))
            for curve in (self.upper, self.lower, self.crease)
        ]
        ends = curves[0][[0, -1], 0]
        xs = np.linspace(ends[0], ends[1], COLUMNS, dtype=np.float32)
        upper, lower, crease = (
            np.interp(xs, curve[:, 0], curve[:, 1]).astype(np.float32) for curve in curves
        )
        lower = np.maximum(lower, upper + np.float32(_LEAST_OPENING_PX))
        x, y = forward(np.array([self.iris[:2]], dtype=np.float32))[0]
        wider = float(ends[1] - ends[0]) / float(self.xs[-1] - self.xs[0])
        taller = (lower - upper) / (self.lower - self.upper)
        upper_motion, lower_motion = self.upper_motion.copy(), self.lower_motion.copy()
        for side in range(len(SIDES)):
            upper_motion[_BLINK * len(SIDES) + side] *= taller
            lower_motion[_BLINK * len(SIDES) + side] *= taller
        iris = (float(x), float(y), self.iris[2] * wider)
        crease = np.minimum(crease, upper - _LASH_PX - _LEAST_FOLD_PX)
        return Eye(xs, upper, lower, crease, iris, upper_motion, lower_motion)

    def lids(self, shares: Floats, gaze: tuple[float, float]) -> "Lids":
        """Where the margins are under shares f32 [C] of full activation."""
        opening = self.lower - self.upper
        sinks = _GAZE_LID * gaze[1] * self.iris[2] * np.sqrt(_arch(len(self.xs)))
        lower = self.lower + shares @ self.lower_motion + 0.3 * np.maximum(sinks, 0)
        upper = self.upper + shares @ self.upper_motion + sinks
        crease = self.crease + _CREASE_FOLLOWS * (upper - self.upper)
        lower = np.maximum(lower, self.upper + 0.3 * opening)
        upper = np.clip(upper, crease + _LASH_PX + _LEAST_FOLD_PX, lower)
        return Lids(self, upper, np.maximum(lower, upper), crease)


@dataclass(frozen=True)
class Lids:
    """Current margins of one eye."""

    eye: Eye
    upper: Floats
    lower: Floats
    crease: Floats

    def skin_source(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """For points f32 [h, w, 2]: y on the neutral face, and signed distances into the opening.

        The distances are to the upper and the lower margin, positive between them.
        """
        eye = self.eye
        x, y = points[..., 0], points[..., 1]
        first, width = np.float32(eye.xs[0]), np.float32(eye.xs[-1] - eye.xs[0])
        column = np.clip((x - first) * ((COLUMNS - 1) / width), 0, COLUMNS - 1)
        _, top, _, bottom = eye.region
        row = (y - np.float32(top)) * np.float32((_ROWS - 1) / (bottom - top))
        layers = remap(self._shifts(top, bottom), _pairs(column, row))
        beyond = np.maximum(first - x, x - first - width)
        fade = np.clip(1 - beyond / np.float32(_BESIDE_FADE_PX), 0, 1)
        into = np.where(beyond < 0, np.float32(99), np.float32(-99))
        margins = np.stack([self.upper, self.lower], axis=-1)[None].astype(np.float32)
        edges = remap(margins, _pairs(column, np.zeros_like(column)))
        return (
            y + fade * layers,
            np.minimum(y - edges[..., 0], into),
            np.minimum(edges[..., 1] - y, into),
        )

    def _shifts(self, top: float, bottom: float) -> Floats:
        """f32 [R, T]: what to add to a height between top and bottom to find its skin at rest."""
        now, then = self._knots()
        fallen = self._fallen()
        then[1] -= _UNFOLDS_PX * fallen
        # The dark rim above the lashes keeps its height: only the skin above it stretches.
        ends = then[1:].copy()
        ends[1] -= _RIM_SHARE * fallen * np.maximum(then[2] - then[1], 0)
        y = np.linspace(top, bottom, _ROWS, dtype=np.float32)[:, None]
        shift = np.zeros((_ROWS, COLUMNS), dtype=np.float32)
        away, ends = then - now, ends - now[1:]
        middle = (now[3] + now[4]) / 2
        for row in (0, 1, 2, 4, 5):
            share = (y - now[row]) / np.maximum(now[row + 1] - now[row], np.float32(1e-3))
            value = away[row] + share * (ends[row] - away[row])
            shift = np.where((y >= now[row]) & (y <= now[row + 1]), value, shift)
        shift = np.where((y > now[3]) & (y < middle), away[3], shift)
        shift = np.where((y >= middle) & (y < now[4]), away[4], shift)
        return np.asarray(shift, dtype=np.float32)

    def _knots(self) -> tuple[Floats, Floats]:
        """Heights f32 [7, T] now and on the neutral face, between which the skin stretches."""
        eye = self.eye
        now = (self.crease - _ABOVE_PX, self.crease, self.upper - _LASH_PX, self.upper)
        then = (eye.crease - _ABOVE_PX, eye.crease, eye.upper - _LASH_PX, eye.upper)
        top = np.minimum(now[0], then[0])
        base = eye.lower + _BELOW_PX
        return (
            np.stack([top, *now[1:], self.lower, self.lower + _LASH_PX, base]),
            np.stack([top, *then[1:], eye.lower, eye.lower + _LASH_PX, base]),
        )

    def _fallen(self) -> Floats:
        """f32 [T]: share of the resting opening that the upper lid has come down."""
        opening = np.maximum(self.eye.lower - self.eye.upper, np.float32(_SLIT_PX))
        return np.clip((self.upper - self.eye.upper) / opening, 0, 1).astype(np.float32)

    def eyeball_source(self, points: Floats, gaze: tuple[float, float]) -> Floats:
        """Where on the resting eyeball points f32 [h, w, 2] come from when the eye turns."""
        if not any(gaze):
            return points
        x, y, radius = self.eye.iris
        shift = np.array(gaze, dtype=np.float32) * radius
        away = np.hypot(points[..., 0] - x - shift[0], points[..., 1] - y - shift[1]) / radius
        weight = np.clip((_GAZE_REACH - away) / (_GAZE_REACH - 1.1), 0, 1)[..., None]
        return (points - weight * shift).astype(np.float32)

    @property
    def closure(self) -> float:
        """Share of the opening that is closed, 0..1."""
        full = float((self.eye.lower - self.eye.upper).max())
        return float(np.clip(1 - (self.lower - self.upper).max() / max(full, 1e-3), 0, 1))


def build_eye(outline: EyeOutline, side: int, skin: Floats, margins: Floats) -> Eye:
    """An eye of one side of the person, from the outline in crop pixels.

    `skin` f32 [C, G, G, 3] is the motion of the skin as it is warped, `margins` f32 [C, 4, 2] the
    true motion of two points on the upper and two on the lower margin, image left first.
    """
    xs = np.linspace(outline.upper[0, 0], outline.upper[-1, 0], COLUMNS, dtype=np.float32)
    upper, lower, crease = (
        np.interp(xs, curve[:, 0], curve[:, 1]).astype(np.float32)
        for curve in (outline.upper, outline.lower, outline.crease)
    )
    upper = upper + _LID_EDGE_PX * _arch(COLUMNS)
    lower = np.maximum(lower, upper + np.float32(_LEAST_OPENING_PX))
    crease = np.minimum(crease, upper - _LASH_PX - _LEAST_FOLD_PX)
    thirds = np.array([COLUMNS // 3, COLUMNS - 1 - COLUMNS // 3])
    own = []
    for row, curve in enumerate((upper, lower)):
        at = np.stack([xs[thirds], curve[thirds]], axis=-1)
        carried = np.stack([look_up(f[..., :2], at[None])[0, :, 1] for f in skin])
        own.append((margins[:, 2 * row : 2 * row + 2, 1] - carried) @ _profile())
    upper_motion, lower_motion = own
    blink = _BLINK * len(SIDES) + side
    opening = lower - upper
    upper_motion[blink] = opening * (1 - _LOWER_RISES) + 0.15 * _arch(COLUMNS)
    lower_motion[blink] = -opening * _LOWER_RISES
    return Eye(
        xs,
        upper.astype(np.float32),
        lower.astype(np.float32),
        crease.astype(np.float32),
        outline.iris,
        upper_motion.astype(np.float32),
        lower_motion.astype(np.float32),
    )


def eye_zone(outline: EyeOutline) -> Floats:
    """f32 [G, G]: 1 where the lids' own motion must not pull at the skin around them, soft edge."""
    axis = np.arange(GRID, dtype=np.float32) * CELL_PX - MARGIN_PX
    xs, ys = np.meshgrid(axis, axis)
    left, right = outline.upper[0], outline.upper[-1]
    x, y = (left + right) / 2
    half = (right[0] - left[0]) / 2
    top, bottom = outline.crease[:, 1].min() - 1.0, outline.lower[:, 1].max() + 2.0
    up = np.where(ys < y, y - top, bottom - y)
    away = np.hypot((xs - x) / (1.15 * half), (ys - y) / up)
    return np.clip((1.35 - away) / 0.35, 0, 1).astype(np.float32)


def _pairs(x: Floats, y: Floats) -> Floats:
    """Coordinates f32 [h, w, 2]."""
    return cv2.merge((x, y)).astype(np.float32, copy=False)


def _profile() -> Floats:
    """f32 [2, T]: cubic through 0 at the corners and one of the two inner points each."""
    t = np.linspace(0, 1, COLUMNS, dtype=np.float32)
    return 13.5 * t * (1 - t) * np.stack([2 / 3 - t, t - 1 / 3])


def _arch(columns: int) -> Floats:
    """f32 [columns]: 0 at the corners of the eye, 1 in its middle."""
    t = np.linspace(0, 1, columns, dtype=np.float32)
    return np.asarray(4 * t * (1 - t), dtype=np.float32)
