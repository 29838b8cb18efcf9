"""The portrait laid out in crop coordinates, and what lies beneath its lids."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.landmarks import EyeOutline, Floats
from worker.specs import CROP_SIZE

SCALE: Final = 2
"""Canvas and picture pixels per crop pixel, unless said: more than is analysed."""
FINE: Final = 3
"""The same where a film may be of any size: none shows more than is there."""

Picture = npt.NDArray[np.uint8]

_EYE_REACH_PX = 7.0
_WHITE_QUANTILE = 0.92


@dataclass(frozen=True)
class Canvas:
    """A texture in crop coordinates, gray [C, C] or colour [C, C, 3] (RGB), uint8."""

    skin: Picture
    eyeballs: Picture
    """The same picture with both eyes completed above and below their lids."""
    margin: int
    """Crop pixels around the crop."""
    white: Floats
    """f32 [] or [3]: colour of the eyes' white"""
    scale: int = SCALE
    """Pixels per crop pixel, of pictures rendered from it as well."""

    def at(self, points: Floats) -> Floats:
        """Canvas pixels of crop points f32 [..., 2]."""
        first = (self.margin + 0.5) * self.scale - 0.5
        return points * np.float32(self.scale) + np.float32(first)


def lay_out(
    image: Picture,
    alignment: Floats,
    eyes: tuple[EyeOutline, EyeOutline],
    margin: int,
    scale: int = SCALE,
) -> Canvas:
    """The canvas of a portrait; `alignment` f32 [2, 3] maps its pixels to crop pixels.

    `eyes` are in crop pixels.
    """
    skin = _warped(image, alignment, margin, scale)
    eyeballs = skin.copy()
    canvas = Canvas(skin, eyeballs, margin, np.zeros((), dtype=np.float32), scale)
    whites = [_complete(canvas, eye) for eye in eyes]
    return replace(canvas, white=np.mean(whites, axis=0, dtype=np.float32))


def _warped(image: Picture, alignment: Floats, margin: int, times: int) -> Picture:
    """The portrait over the canvas, area-averaged where it is larger."""
    scale = float(np.hypot(alignment[0, 0], alignment[1, 0])) * times
    matrix = (alignment * times).astype(np.float64)
    matrix[:, 2] += times * margin + (times - 1) / 2
    if scale < 1:
        height, width = image.shape[:2]
        size = (round(width * scale), round(height * scale))
        fx, fy = size[0] / width, size[1] / height
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        # Pixel centres sit at +0.5 in both images.
        to_full = np.array([[1 / fx, 0, 0.5 / fx - 0.5], [0, 1 / fy, 0.5 / fy - 0.5], [0, 0, 1]])
        matrix = matrix @ to_full
    side = times * (CROP_SIZE + 2 * margin)
    warped = cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return warped.astype(np.uint8, copy=False)


def _complete(canvas: Canvas, eye: EyeOutline) -> Floats:
    """Continue iris and white beyond the lids: lids that rise or a shifted gaze uncover them.

    Returns the colour of the white.
    """
    outline = np.concatenate([eye.upper, eye.lower[::-1]])
    low = np.floor(canvas.at(outline.min(axis=0) - _EYE_REACH_PX)).astype(int)
    high = np.ceil(canvas.at(outline.max(axis=0) + _EYE_REACH_PX)).astype(int)
    side = len(canvas.skin) - 1
    (x0, y0), (x1, y1) = np.clip(low, 0, side), np.clip(high, 1, side)
    patch = np.ascontiguousarray(canvas.eyeballs[y0:y1, x0:x1])
    polygon = canvas.at(outline) - np.array([x0, y0], dtype=np.float32)
    known = np.zeros(patch.shape[:2], dtype=np.uint8)
    cv2.fillPoly(known, [np.round(polygon).astype(np.int32)], (1,))
    # The outermost pixels carry lashes and the lid's shadow.
    known = cv2.erode(known, np.ones((3, 2), dtype=np.uint8)).astype(np.uint8, copy=False)
    white = np.quantile(patch[known > 0], _WHITE_QUANTILE, axis=0)
    x, y = canvas.at(np.array(eye.iris[:2], dtype=np.float32)) - np.array([x0, y0])
    _mirror_iris(patch, known, (float(x), float(y), eye.iris[2] * canvas.scale))
    filled = cv2.inpaint(patch, 1 - known, 3.0, cv2.INPAINT_TELEA)
    canvas.eyeballs[y0:y1, x0:x1] = filled.astype(np.uint8, copy=False)
    return np.asarray(white, dtype=np.float32)


def _mirror_iris(patch: Picture, known: Picture, iris: tuple[float, float, float]) -> None:
    """Fill the part of the iris that a lid hides with its visible counterpart below or above."""
    x, y, radius = iris
    rows, columns = np.indices(known.shape)
    disk = (columns - x) ** 2 + (rows - y) ** 2 <= (radius * 1.05) ** 2
    counterpart = np.clip(np.round(2 * y - rows).astype(int), 0, len(known) - 1)
    usable = disk & (known == 0) & (known[counterpart, columns] == 1)
    patch[usable] = patch[counterpart, columns][usable]
    known[usable] = 1
