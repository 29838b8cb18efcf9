"""What moving skin shows beside its displacement: folds, and light on a changing relief."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.landmarks import EyeOutline, Floats
from training.synthetic.sampling import CANVAS_SPAN, CELL_PX, MARGIN_PX
from worker.specs import AU_NUMBERS, SIDES

FOLD_GRID: Final = 156
_FOLD_CELL_PX: Final = CANVAS_SPAN / (FOLD_GRID - 1)
_DEEPEST = 0.32
"""Log-darkening of a pronounced fold at FACS 5."""
_AMBIENT = 0.8
_STEEPEST = 1.0
_RELIEF_CELLS = 1.6
_SQUEEZE = 0.22
_SQUEEZE_LIMIT = 0.07
_HALO = 0.4
_STEPS = 80.0

Line = Floats
"""f32 [n, 2], crop pixels"""


@dataclass(frozen=True)
class Folds:
    """Relief [F, H, H] over the motion grid's span, and by how much each share deepens it."""

    maps: npt.NDArray[np.int8]
    unit: float
    """Log brightness of 1 in the maps."""
    weights: Floats
    """f32 [C, F]"""

    def darkening(self, shares: Floats) -> Floats | None:
        """Log brightness f32 [H, H] under shares f32 [C]; None where no fold shows."""
        depths = np.sqrt(np.maximum(shares, 0)) * np.maximum(shares, 0) ** 0.25 @ self.weights
        active = np.flatnonzero(depths > 0.01)  # noqa: PLR2004  # a hundredth is not seen
        if not len(active):
            return None
        total = np.zeros(self.maps.shape[1:], dtype=np.float32)
        for fold in active:
            total += self.maps[fold] * np.float32(self.unit * min(float(depths[fold]), 1.3))
        return total

    @staticmethod
    def at(points: Floats) -> Floats:
        """Map pixels of crop points f32 [..., 2]."""
        return (points + np.float32(MARGIN_PX)) * np.float32(1 / _FOLD_CELL_PX)


def build_folds(
    points68: Floats, eyes: tuple[EyeOutline, EyeOutline], channels: int, rng: np.random.Generator
) -> Folds:
    """Folds where this face would have them; how deep and how many differs between people."""
    maps: list[Floats] = []
    weights = np.zeros((channels, 0), dtype=np.float32)
    depth = _DEEPEST * float(np.exp(rng.normal(0, 0.35)))
    for lines, width, drivers in _fold_lines(points68, eyes, rng):
        column = np.zeros((channels, 1), dtype=np.float32)
        for (number, side), weight in drivers.items():
            column[AU_NUMBERS.index(number) * len(SIDES) + side] = weight
        weights = np.hstack([weights, column])
        maps.append(_relief(lines, width))
    relief = np.clip(np.stack(maps) * _STEPS, -127, 127)
    return Folds(relief.astype(np.int8), depth / _STEPS, weights)


def _fold_lines(
    p: Floats, eyes: tuple[EyeOutline, EyeOutline], rng: np.random.Generator
) -> list[tuple[list[Line], float, dict[tuple[int, int], float]]]:
    """(lines, width in px, {(AU, side): weight}) of every fold."""
    unit = float(np.linalg.norm(p[42:48].mean(axis=0) - p[36:42].mean(axis=0))) / 40
    folds: list[tuple[list[Line], float, dict[tuple[int, int], float]]] = []
    middle = (p[21] + p[22]) / 2
    rows = 5.0 + 4.6 * np.arange(int(rng.integers(2, 5)))
    heights = unit * (rows + rng.normal(0, 0.5, len(rows)))
    for side in range(len(SIDES)):
        sign = 1 - 2 * side  # the person's left is image right
        brow = p[22:27] if side == 0 else p[21:16:-1]
        wing, corner, eye = (p[35], p[54], eyes[1]) if side == 0 else (p[31], p[48], eyes[0])
        lines = _forehead(brow, middle, heights, unit, rng)
        folds.append(([c[:6] for c in lines], 0.9 * unit, {(1, side): 0.9, (2, side): 0.25}))
        folds.append(([c[5:] for c in lines], 0.9 * unit, {(2, side): 0.9, (1, side): 0.2}))
        inner = brow[0] + unit * np.array([-sign * rng.uniform(0.5, 2.5), 1.0])
        lean = np.array([[sign * 1.5, -6], [0, -2], [-sign * 0.3, 3]]) * unit
        folds.append(([_curve(inner + lean)], 1.0 * unit, {(4, side): 1.1, (9, side): 0.3}))
        outer = eye.upper[-1] if side == 0 else eye.upper[0]
        folds.append((_crow(outer, sign, unit, rng), 0.8 * unit, {(6, side): 0.8, (7, side): 0.2}))
        under = eye.lower + unit * np.array([0, 3.2])
        folds.append(([_curve(under[1:-1])], 1.0 * unit, {(6, side): 0.7, (7, side): 0.6}))
        folds.append(
            (
                [_nasolabial(wing, corner, sign, unit)],
                1.4 * unit,
                {(12, side): 0.9, (10, side): 0.8, (9, side): 0.7, (6, side): 0.25},
            )
        )
        dimple = corner + unit * np.array([[sign * 3, -2.5], [sign * 3.6, 0], [sign * 3, 2.5]])
        folds.append(([_curve(dimple)], 1.3 * unit, {(14, side): 1.1, (12, side): 0.3}))
        sad = corner + unit * np.array([[sign * 1, 1], [sign * 2, 4], [sign * 2, 8]])
        folds.append(([_curve(sad)], 1.2 * unit, {(15, side): 0.9, (20, side): 0.3}))
        bridge = _curve(p[27] + unit * np.array([[0, 0], [sign * 2, 0.3], [sign * 4.5, 1.5]]))
        lower = bridge + unit * np.array([0, 3.0])
        folds.append(([bridge, lower], 0.9 * unit, {(9, side): 1.0, (4, side): 0.25}))
    folds += _chin(p, unit, rng)
    return folds


def _forehead(
    brow: Floats, middle: Floats, heights: Floats, unit: float, rng: np.random.Generator
) -> list[Line]:
    """Lines that follow the brow at some heights above it, nearly level over the nose."""
    xs = np.linspace(middle[0], brow[-1, 0], 11)
    share = np.linspace(0, 1, 11)
    rise = np.interp(share, np.linspace(0, 1, 5), brow[:, 1] - brow[0, 1])
    lines = []
    for height in heights:
        wave = 0.5 * unit * rng.normal(0, 0.25, 11).cumsum() * share
        ys = middle[1] - height + 0.6 * rise * share + wave
        lines.append(np.column_stack([xs, ys]).astype(np.float32))
    return lines


def _crow(outer: Floats, sign: int, unit: float, rng: np.random.Generator) -> list[Line]:
    rays = []
    for angle in np.deg2rad(np.array([-25, 0, 28]) + rng.normal(0, 6, 3)):
        way = np.array([sign * np.cos(angle), np.sin(angle)])
        reach = np.array([2.5, 4.0, 5.5])[:, None] * unit * rng.uniform(0.8, 1.3)
        rays.append((outer + reach * way).astype(np.float32))
    return rays


def _nasolabial(wing: Floats, corner: Floats, sign: int, unit: float) -> Line:
    start = wing + unit * np.array([sign * 2.2, -1.5])
    end = corner + unit * np.array([sign * 4.0, 0.5])
    bulge = (start + end) / 2 + unit * np.array([sign * 2.0, -0.5])
    return _curve(np.stack([start, bulge, end]))


def _chin(
    p: Floats, unit: float, rng: np.random.Generator
) -> list[tuple[list[Line], float, dict[tuple[int, int], float]]]:
    """The furrow under the lower lip and the dimpled boss below it."""
    lip = p[57]
    furrow = lip + unit * np.array([[-6, 4.2], [-3, 3.3], [0, 3.0], [3, 3.3], [6, 4.2]])
    spots = lip + unit * np.column_stack([rng.normal(0, 3.5, 9), rng.uniform(6, 12, 9)])
    dots = [np.stack([s, s + rng.normal(0, 0.9, 2)]).astype(np.float32) for s in spots]
    return [
        ([_curve(furrow)], 1.1 * unit, {(17, 0): 0.5, (17, 1): 0.5}),
        (dots, 1.6 * unit, {(17, 0): 0.22, (17, 1): 0.22}),
    ]


def _curve(knots: npt.NDArray[np.floating[npt.NBitBase]]) -> Line:
    """A smooth line through a few points."""
    t = np.linspace(0, len(knots) - 1, 12)
    degree = min(2, len(knots) - 1)
    fits = [np.polyval(np.polyfit(np.arange(len(knots)), c, degree), t) for c in knots.T]
    return np.stack(fits, axis=-1).astype(np.float32)


def _relief(lines: list[Line], width: float) -> Floats:
    """Log brightness [H, H]: dark along the lines, a lighter swelling on both sides."""
    drawn = np.zeros((FOLD_GRID, FOLD_GRID), dtype=np.uint8)
    for line in lines:
        at = np.round(Folds.at(line) * 8).astype(np.int32)
        cv2.polylines(drawn, [at], False, (255,), 1, cv2.LINE_AA, shift=3)  # noqa: FBT003
    thin = drawn.astype(np.float32) / 255
    core = cv2.GaussianBlur(thin, (0, 0), 0.7 * width) * width * 1.75
    halo = cv2.GaussianBlur(thin, (0, 0), 2.2 * width) * width * 5.5
    taper = cv2.GaussianBlur(thin, (0, 0), 3.0)
    taper = np.clip(taper / max(float(taper.max()), 1e-6) * 1.6, 0, 1)
    return np.asarray(taper * (-core + _HALO * halo), dtype=np.float32)


def slopes(depth: Floats) -> Floats:
    """Relief's slope f32 [G, G, 2] along x and y, no steeper than light is asked about."""
    # The mesh is rough about nostrils and lips, where light would draw edges that skin has not.
    smooth = cv2.GaussianBlur(depth, (0, 0), _RELIEF_CELLS).astype(np.float32, copy=False)
    both = [_slope(smooth, axis) for axis in (0, 1)]
    return np.clip(np.stack(both, axis=-1), -_STEEPEST, _STEEPEST)


def lambert(slope: Floats, light: tuple[float, float]) -> Floats:
    """Brightness f32 [G, G] of a relief lit from a slope (x right, y down; 0, 0 is the camera)."""
    across, down = slope[..., 0], slope[..., 1]
    towards = float(np.sqrt(1 + light[0] ** 2 + light[1] ** 2))
    length = np.sqrt(1 + across * across + down * down) * towards
    facing = (1 - across * light[0] - down * light[1]) / length
    return np.float32(_AMBIENT) + np.maximum(facing, 0)


def squeezed(field: Floats) -> Floats:
    """Factor f32 [G, G] by which skin darkens where motion f32 [G, G, 2] presses it together."""
    growth = _slope(field[..., 0], 0) + _slope(field[..., 1], 1)
    darkening = np.clip(_SQUEEZE * growth, -_SQUEEZE_LIMIT, _SQUEEZE_LIMIT)
    return np.asarray(1 + darkening, dtype=np.float32)


def _slope(values: Floats, axis: int) -> Floats:
    """Central differences f32 [G, G] along x (0) or y (1), per crop pixel."""
    along = (1 - axis, axis)
    edge = cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.Sobel(values, cv2.CV_32F, *along, ksize=1, scale=0.5 / CELL_PX, borderType=edge),
        dtype=np.float32,
    )
