"""The facial points the generator needs, from either of two well-known landmark sets."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# fmt: off
MESH_TO_68: Final = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)
# fmt: on
"""Points of the 478-point mesh that are the 68 Multi-PIE points."""

_MESH_EYES: Final = (
    {
        "upper": (33, 246, 161, 160, 159, 158, 157, 173, 133),
        "lower": (33, 7, 163, 144, 145, 153, 154, 155, 133),
        "above": (33, 247, 30, 29, 27, 28, 56, 190, 133),
        "iris": (468, 469, 470, 471, 472),
    },
    {
        "upper": (362, 398, 384, 385, 386, 387, 388, 466, 263),
        "lower": (362, 382, 381, 380, 374, 373, 390, 249, 263),
        "above": (362, 414, 286, 258, 257, 259, 260, 467, 263),
        "iris": (473, 474, 475, 476, 477),
    },
)
_TEMPLATE_EYES: Final = (
    {
        "upper": (18, 19, 20, 21, 22),
        "lower": (18, 28, 29, 30, 22),
        "crease": (34, 35, 36, 37, 38),
        "iris": (0, 2, 3, 4, 5, 6, 7, 8, 9),
    },
    {
        "upper": (23, 24, 25, 26, 27),
        "lower": (23, 31, 32, 33, 27),
        "crease": (39, 40, 41, 42, 43),
        "iris": (1, 10, 11, 12, 13, 14, 15, 16, 17),
    },
)
# fmt: off
TEMPLATE_TO_68: Final = (
    (71, 117, 0.45), (117, 164, 0.61), (119, 164, 0.47), (125, 126, 0.13), (127, 119, 0.4),
    (127, 125, 0.3), (127, 128, 0.46), (129, 128, 0.62), (176, 129, 0.92), (130, 129, 0.47),
    (130, 131, 0.43), (131, 133, 0.26), (131, 124, 0.38), (133, 132, 0.12), (124, 167, 0.47),
    (122, 167, 0.6), (82, 122, 0.46), (71, 72, 0.39), (72, 83, 0.14), (36, 73, 0.91),
    (74, 37, 0.11), (75, 74, 0.09), (78, 79, 0.13), (79, 85, 0.17), (80, 86, 0.16),
    (81, 86, 0.1), (144, 43, 0.44), (77, 51, 0.71), (53, 57, 0.49), (60, 53, 0.58),
    (180, 59, 0.46), (63, 180, 0.44), (170, 64, 0.3), (173, 55, 0.9), (172, 70, 0.24),
    (68, 55, 0.35), (18, 28, 0.1), (19, 3, 0.47), (2, 21, 0.54), (22, 51, 0.07),
    (30, 29, 0.31), (28, 29, 0.35), (23, 47, 0.06), (24, 10, 0.53), (26, 17, 0.32),
    (43, 27, 0.94), (33, 32, 0.3), (32, 31, 0.67), (94, 87, 0.96), (88, 89, 0.2),
    (89, 96, 0.03), (96, 90, 0.97), (90, 91, 0.96), (92, 173, 0.19), (93, 108, 0.02),
    (108, 107, 0.59), (107, 106, 0.34), (106, 105, 0.07), (105, 106, 0.22), (105, 104, 0.51),
    (94, 87, 0.74), (96, 94, 0.38), (96, 106, 0.02), (96, 98, 0.37), (93, 98, 0.22),
    (98, 101, 0.63), (106, 96, 0.95), (94, 101, 0.62),
)
# fmt: on
"""Of the FRL template: two points and the share of the second, fitted on the 112 CC BY portraits.

It lies within 2 px of the mesh at eyes and lips, 9 px along the jaw (eyes 130 px apart).
"""

_CREASE_SHARE = 0.42
"""The lid crease lies this share of the way from the lid margin to the mesh's next ring."""


@dataclass(frozen=True)
class EyeOutline:
    """One eye in pixels: lid margins and crease from image left to right, and the iris."""

    upper: Floats
    """f32 [n, 2]"""
    lower: Floats
    """f32 [n, 2]"""
    crease: Floats
    """f32 [n, 2]: the fold of the upper lid"""
    iris: tuple[float, float, float]
    """x, y, radius"""

    def moved(self, affine: Floats) -> "EyeOutline":
        """The outline under a similarity f32 [2, 3]."""
        scale = float(np.hypot(affine[0, 0], affine[1, 0]))
        x, y = np.array(self.iris[:2]) @ affine[:, :2].T + affine[:, 2]
        upper, lower, crease = (
            (curve @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
            for curve in (self.upper, self.lower, self.crease)
        )
        return EyeOutline(upper, lower, crease, (float(x), float(y), scale * self.iris[2]))


@dataclass(frozen=True)
class FacialPoints:
    """The 68 Multi-PIE points f32 [68, 2] and both eyes (image left first), in pixels."""

    points68: Floats
    eyes: tuple[EyeOutline, EyeOutline]


def facial_points(points: Floats) -> FacialPoints:
    """From the 478-point mesh [478, 2 or 3], the FRL template [189, 2], or [68, 2] alone.

    Raises ValueError for any other number of points.
    """
    flat = np.ascontiguousarray(points[:, :2], dtype=np.float32)
    match len(flat):
        case 478:
            return _of_mesh(flat)
        case 189:
            return _of_template(flat)
        case 68:
            return FacialPoints(flat, (_eye_of_68(flat[36:42]), _eye_of_68(flat[42:48])))
        case count:
            raise ValueError(f"{count} landmarks: known are sets of 478, 189 and 68")


def _of_mesh(points: Floats) -> FacialPoints:
    eyes = []
    for indices in _MESH_EYES:
        upper, above = points[list(indices["upper"])], points[list(indices["above"])]
        crease = upper + _CREASE_SHARE * (above - upper)
        iris = _circle(points[list(indices["iris"])])
        eyes.append(EyeOutline(upper, points[list(indices["lower"])], crease, iris))
    return FacialPoints(points[list(MESH_TO_68)], (eyes[0], eyes[1]))


def _of_template(points: Floats) -> FacialPoints:
    eyes = []
    for indices in _TEMPLATE_EYES:
        upper, lower, crease = (points[list(indices[k])] for k in ("upper", "lower", "crease"))
        eyes.append(EyeOutline(upper, lower, crease, _circle(points[list(indices["iris"])])))
    first, second, share = (np.array(column) for column in zip(*TEMPLATE_TO_68, strict=True))
    blend = share[:, None].astype(np.float32)
    return FacialPoints((1 - blend) * points[first] + blend * points[second], (eyes[0], eyes[1]))


def _eye_of_68(eye: Floats) -> EyeOutline:
    """A plain eye from its six Multi-PIE points; crease and iris by usual proportions."""
    upper, lower = eye[[0, 1, 2, 3]], eye[[0, 5, 4, 3]]
    opening = lower - upper
    width = float(np.linalg.norm(eye[3] - eye[0]))
    x, y = eye.mean(axis=0) - 0.15 * opening.mean(axis=0)
    return EyeOutline(upper, lower, upper - 0.4 * opening, (float(x), float(y), 0.21 * width))


def _circle(points: Floats) -> tuple[float, float, float]:
    """The first point as centre, the mean distance of the others as radius."""
    x, y = points[0]
    return float(x), float(y), float(np.linalg.norm(points[1:] - points[0], axis=1).mean())
