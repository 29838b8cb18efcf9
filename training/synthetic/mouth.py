"""Lips that part: upper and lower lip move on their own, teeth and tongue lie behind them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.face_model import EXTRAS, FaceModel, Floats
from training.synthetic.sampling import (
    CELL_PX,
    GRID,
    MARGIN_PX,
    by_vertex,
    front_vertices,
    grid_pixels,
    interpolate,
    mixed,
    packed,
    remap,
    resampled,
)
from worker.specs import AU_NUMBERS, SIDES

_LINE_COLUMNS: Final = 48
_BESIDE_PX, _ABOVE_PX, _BELOW_PX = 10.0, 16.0, 30.0
_MESH_MARGIN_PX = 8.0
_EDGE_PX = 0.4
_NEAR_LINE_PX = 4.0
_CORNER_PX = 2.5
_JAW_SHARE = 0.9
_JAW_CHANNELS = (
    AU_NUMBERS.index(26),
    len(AU_NUMBERS) + list(EXTRAS).index("jaw_sideways"),
)
_CHIN = 8

# Lengths in crop pixels: 1 mm is about 0.63 of them.
_UPPER_EDGE_PX, _UPPER_TOOTH_PX, _UPPER_HEIGHT_PX = 2.2, 5.2, 6.3
_LOWER_EDGE_PX, _LOWER_TOOTH_PX, _LOWER_HEIGHT_PX = 1.5, 3.4, 5.5
# Colours as shares of the white of the eyes, so that they suit the portrait's light.
_ENAMEL = np.array([1.3, 1.27, 1.18], dtype=np.float32)
_GUM = np.array([0.75, 0.42, 0.42], dtype=np.float32)
_TONGUE = np.array([0.66, 0.34, 0.34], dtype=np.float32)
_CAVITY = np.array([0.17, 0.08, 0.08], dtype=np.float32)


@dataclass(frozen=True)
class Mouth:
    """The mouth's part of the motion grid, once as the upper and once as the lower lip moves."""

    rows: slice
    columns: slice
    upper: npt.NDArray[np.int16]
    """[C, h, w, 3], packed displacement at full activation"""
    lower: npt.NDArray[np.int16]
    line: tuple[Floats, Floats]
    """x and y f32 [T] of the closed lips' line, corner to corner, image left to right"""
    jaw: Floats
    """f32 [C, 2]: displacement of the lower teeth at full activation"""

    def moved(self, forward: Callable[[Floats], Floats], origin: Floats) -> "Mouth":
        """The mouth of a face whose points [n, 2] were moved.

        `origin` f32 [G, G, 2] is where each point of the motion grid was before.
        """
        xs, ys = forward(np.stack(self.line, axis=-1)).T
        even = np.linspace(xs[0], xs[-1], _LINE_COLUMNS, dtype=np.float32)
        at = self._pixels(origin[self.rows, self.columns])
        return replace(
            self,
            upper=resampled(self.upper, at),
            lower=resampled(self.lower, at),
            line=(even, np.interp(even, xs, ys).astype(np.float32)),
        )

    def fields(self, shares: Floats) -> tuple[Floats, Floats]:
        """Upper and lower lip's displacement f32 [h, w, 3] under shares f32 [C]."""
        return mixed(self.upper, shares), mixed(self.lower, shares)

    def look_up(self, field: Floats, points: Floats) -> Floats:
        """Bilinear values of one of the fields at points f32 [..., 2] in crop pixels."""
        return remap(field, self._pixels(points))

    def _pixels(self, points: Floats) -> Floats:
        corner = np.array([self.columns.start, self.rows.start], dtype=np.float32)
        return grid_pixels(points) - corner

    def below_line(self, points: Floats) -> Floats:
        """How far below the closed lips' line points f32 [..., 2] lie."""
        xs, ys = self.line
        return (points[..., 1] - np.interp(points[..., 0], xs, ys)).astype(np.float32)

    def interior(self, points: Floats, shares: Floats) -> Floats:
        """What is behind the lips at points of the skull: RGB f32 [..., 3] in eyes' white."""
        xs, _ = self.line
        middle, half = (xs[0] + xs[-1]) / 2, (xs[-1] - xs[0]) / 2
        drop = shares @ self.jaw
        across = points[..., 0] - middle
        below = self.below_line(points)
        jaw_below, jaw_across = below - drop[1], across - drop[0]
        falloff = np.clip(1.05 - 0.85 * (across / half) ** 2, 0.12, 1)[..., None]
        tongue = np.clip((jaw_below + 4.5) / 6, 0, 1)[..., None]
        colour = _CAVITY + tongue * (_TONGUE - _CAVITY) * falloff
        lower = _row(jaw_across, jaw_below - _LOWER_EDGE_PX, _LOWER_TOOTH_PX, _LOWER_HEIGHT_PX)
        colour = _over(colour, lower, 0.8 * falloff)
        upper = _row(across, _UPPER_EDGE_PX - below, _UPPER_TOOTH_PX, _UPPER_HEIGHT_PX)
        return _over(colour, upper, falloff).astype(np.float32)


def _row(across: Floats, inward: Floats, width: float, height: float) -> tuple[Floats, Floats]:
    """A row of teeth: cover f32 [...] and colour [..., 3]; `inward` counts from the biting edge."""
    within = np.abs(across) / width
    gap = np.abs(within - np.round(within)) * width
    edge = inward + 0.25 * np.exp(-((gap / 0.6) ** 2)) * -1
    cover = np.clip(edge * 2 + 0.5, 0, 1)
    gum = np.clip((inward - height - 0.8 * np.cos(2 * np.pi * within)) / 1.5 + 0.5, 0, 1)
    tone = 1 - 0.35 * np.exp(-((gap / 0.4) ** 2)) - 0.12 * np.clip(1 - inward, 0, 1)
    colour = tone[..., None] * _ENAMEL
    return cover, colour + gum[..., None] * (_GUM - colour)


def _over(below: Floats, row: tuple[Floats, Floats], light: Floats) -> Floats:
    cover, colour = row
    return below + cover[..., None] * (colour * light - below)


def build_mouth(
    model: FaceModel,
    projected: Floats,
    motion: Floats,
    lips: Floats,
    whole: Floats,
) -> Mouth:
    """The mouth of a fitted face.

    `projected` f32 [V, 3] and `motion` f32 [M, 2, V, 3] are in crop pixels, `lips` f32 [8, 2] is
    the inner contour, `whole` [M, 2, G, G, 3] the motion on the grid, lips and all.
    """
    line = _line(lips)
    rows, columns = _region(line)
    axis = np.arange(GRID) * CELL_PX - MARGIN_PX
    xs, ys = np.meshgrid(axis[columns], axis[rows])
    heights = np.interp(xs, *line)
    vertices, is_lower = _near_vertices(model, projected, motion, line)
    whole = whole.reshape(-1, GRID, GRID, 3)[:, rows, columns]
    inward = np.minimum(xs - line[0][0], line[0][-1] - xs)
    weight = np.clip(inward / _CORNER_PX, 0, 1).astype(np.float32)[..., None]
    between = inward > 0
    halves = []
    for mine, at in (
        (~is_lower, np.minimum(ys, heights - _EDGE_PX)),
        (is_lower, np.maximum(ys, heights + _EDGE_PX)),
    ):
        beside = ~_between(projected[vertices, 0], line)
        own = vertices[mine | beside]
        wanted = np.stack([xs, np.where(between, at, ys)], axis=-1)
        values = interpolate(projected[own, :2], by_vertex(motion, own), wanted)
        field = values.reshape(*xs.shape, -1, 3).transpose(2, 0, 1, 3)
        field = np.where(np.isnan(field), whole, field)
        halves.append(packed(whole + weight * (field - whole)))
    return Mouth(rows, columns, halves[0], halves[1], line, _jaw(model, motion))


def _line(lips: Floats) -> tuple[Floats, Floats]:
    """Midway between the inner contours of both lips."""
    upper, lower = lips[[0, 1, 2, 3, 4]], lips[[0, 7, 6, 5, 4]]
    middle = (upper + lower) / 2
    xs = np.linspace(middle[0, 0], middle[-1, 0], _LINE_COLUMNS, dtype=np.float32)
    return xs, np.interp(xs, middle[:, 0], middle[:, 1]).astype(np.float32)


def _region(line: tuple[Floats, Floats]) -> tuple[slice, slice]:
    xs, ys = line
    low = np.array([xs[0] - _BESIDE_PX, ys.min() - _ABOVE_PX])
    high = np.array([xs[-1] + _BESIDE_PX, ys.max() + _BELOW_PX])
    (c0, r0), (c1, r1) = (
        np.floor((low + MARGIN_PX) / CELL_PX).astype(int),
        np.ceil((high + MARGIN_PX) / CELL_PX).astype(int),
    )
    return slice(max(int(r0), 0), min(int(r1), GRID)), slice(max(int(c0), 0), min(int(c1), GRID))


def _near_vertices(
    model: FaceModel, projected: Floats, motion: Floats, line: tuple[Floats, Floats]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Front vertices about the mouth, and which of them belong to the lower lip or the chin.

    Position tells away from the lips; where they touch, whether the jaw carries the vertex.
    """
    front = front_vertices(model, projected)
    x, y = projected[front, 0], projected[front, 1]
    reach = _BESIDE_PX + _MESH_MARGIN_PX
    near = (x > line[0][0] - reach) & (x < line[0][-1] + reach)
    near &= y > line[1].min() - _ABOVE_PX - _MESH_MARGIN_PX
    front = front[near & (y < line[1].max() + _BELOW_PX + _MESH_MARGIN_PX)]
    below = projected[front, 1] - np.interp(projected[front, 0], *line)
    opening = motion[_JAW_CHANNELS[0], :, :, 1].sum(axis=0)
    carried = opening[front] > opening[model.landmarks68[66]] / 2
    return front, np.where(np.abs(below) < _NEAR_LINE_PX, carried, below > 0)


def _between(x: Floats, line: tuple[Floats, Floats]) -> npt.NDArray[np.bool_]:
    return (x > line[0][0]) & (x < line[0][-1])


def _jaw(model: FaceModel, motion: Floats) -> Floats:
    """Teeth follow the bone, not the skin: only the jaw's own movements carry them."""
    jaw = np.zeros((motion.shape[0], len(SIDES), 2), dtype=np.float32)
    for row in _JAW_CHANNELS:
        jaw[row] = _JAW_SHARE * motion[row, :, model.landmarks68[_CHIN], :2]
    return jaw.reshape(-1, 2)
