"""Frames to aligned crops: one similarity per clip, so that motion inside the face survives."""

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
    size = spec.crop_size
    scale = float(np.hypot(alignment[0, 0], alignment[1, 0]))
    matrix = np.vstack([alignment.astype(np.float64), [0.0, 0.0, 1.0]])
    if scale < 1.0:
        image, to_reduced = _reduce(image, matrix, scale, size)
        matrix = matrix @ np.linalg.inv(to_reduced)
    warped = cv2.warpAffine(
        image, matrix[:2], (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)


def crops(images: list[Image], alignment: FloatArray, spec: PreprocessSpec) -> Image:
    """Crops of many frames as the models take them: uint8 [N, 3, S, S]."""
    stacked = np.stack([crop(image, alignment, spec) for image in images])
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))


def _reduce(image: Image, matrix: _Matrix, scale: float, size: int) -> tuple[Image, _Matrix]:
    """The face's surroundings at crop scale, and the map from frame pixels to its pixels."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]], dtype=float)
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
