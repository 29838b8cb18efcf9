"""Frames to aligned crops: a face's landmarks go to the places of the template."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.preprocess.spec import PreprocessSpec

_ROI_MARGIN_PX = 2.0
_Matrix = npt.NDArray[np.float64]


def similarity(landmarks: FloatArray, spec: PreprocessSpec) -> FloatArray:
    """Least-squares similarity, f32 [2, 3], that maps landmarks f32 [5, 2] to the crop template.

    Closed form for two dimensions: with both point sets centred and read as complex numbers the
    best scale and rotation are one complex factor.
    """
    source = landmarks.astype(np.float64) @ np.array([1, 1j])
    target = np.asarray(spec.template) @ np.array([1, 1j])
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred)
    shift = target.mean() - factor * source.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]],
        dtype=np.float32,
    )


def crop(image: Image, alignment: FloatArray, spec: PreprocessSpec) -> Image:
    """Aligned crop uint8 [S, S, 3]; what lies outside the frame repeats its border.

    Where the face is larger than the crop its surroundings are first reduced by area averaging,
    because a bilinear warp alone would alias and turn sub-pixel motion into flicker.
    """
    return Surroundings.of(image, alignment, spec, 0).cut(alignment, spec)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The part of a frame around a face, at no more than crop scale."""

    image: Image
    from_frame: _Matrix
    """f64 [3, 3], frame pixels to its pixels."""

    @classmethod
    def of(cls, image: Image, alignment: FloatArray, spec: PreprocessSpec, pad_px: int) -> Self:
        """What a crop needs, and `pad_px` crop pixels more on every side."""
        scale = float(np.hypot(alignment[0, 0], alignment[1, 0]))
        if scale >= 1.0:
            return cls(image, np.eye(3))
        return cls(*_reduce(image, _square(alignment), scale, (-pad_px, spec.crop_size + pad_px)))

    def cut(self, alignment: FloatArray, spec: PreprocessSpec) -> Image:
        """The crop uint8 [S, S, 3] under an alignment like the one they were taken for."""
        matrix = _square(alignment) @ np.linalg.inv(self.from_frame)
        return _warp(self.image, matrix, spec.crop_size)

    def gray(self, alignment: FloatArray, spec: PreprocessSpec, pad_px: int) -> FloatArray:
        """The crop and `pad_px` more on every side in gray, f32 [S + 2 pad, S + 2 pad]."""
        shift = np.array([[1, 0, pad_px], [0, 1, pad_px], [0, 0, 1]])
        matrix = shift @ _square(alignment) @ np.linalg.inv(self.from_frame)
        picture = _warp(self.image, matrix, spec.crop_size + 2 * pad_px)
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def cut_at(self, alignment: FloatArray, columns: FloatArray, rows: FloatArray) -> Image:
        """The picture uint8 [H, W, 3] whose pixels lie at these places (f32 [H, W]) of the crop."""
        matrix = self.from_frame @ np.linalg.inv(_square(alignment))
        (a, b, right), (c, d, down), _ = matrix.astype(np.float32)
        found = cv2.remap(
            self.image,
            a * columns + b * rows + right,
            c * columns + d * rows + down,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return found.astype(np.uint8, copy=False)


def _square(alignment: FloatArray) -> _Matrix:
    return np.vstack([alignment.astype(np.float64), [0.0, 0.0, 1.0]])


def _warp(image: Image, matrix: _Matrix, size: int) -> Image:
    warped = cv2.warpAffine(
        image, matrix[:2], (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)


def _reduce(
    image: Image, matrix: _Matrix, scale: float, reach: tuple[int, int]
) -> tuple[Image, _Matrix]:
    """The face's surroundings at crop scale, and the map from frame pixels to its pixels."""
    height, width = image.shape[:2]
    corners = np.array([[x, y, 1] for y in reach for x in reach], dtype=float)
    in_frame = corners @ np.linalg.inv(matrix)[:2].T
    low = np.floor(in_frame.min(0) - _ROI_MARGIN_PX / scale).astype(int)
    high = np.ceil(in_frame.max(0) + _ROI_MARGIN_PX / scale).astype(int)
    x0, y0 = np.clip(low, 0, [width - 1, height - 1])
    x1, y1 = np.clip(high, [x0 + 1, y0 + 1], [width, height])
    reduced_size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    reduced = cv2.resize(image[y0:y1, x0:x1], reduced_size, interpolation=cv2.INTER_AREA)
    fx, fy = reduced_size[0] / (x1 - x0), reduced_size[1] / (y1 - y0)
    # Pixel centres sit at +0.5 in both images.
    to_reduced = np.array(
        [[fx, 0, (0.5 - x0) * fx - 0.5], [0, fy, (0.5 - y0) * fy - 0.5], [0, 0, 1]]
    )
    return reduced.astype(np.uint8, copy=False), to_reduced
