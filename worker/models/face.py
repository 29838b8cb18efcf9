"""CenterFace: letter-boxed frame in, face boxes and five landmarks out.

Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019.
"""

import cv2
import numpy as np

from worker.domain import FaceBox, FloatArray, Image

LONG_SIDE_PX = 320
"""Frames are reduced to this: a face of 40 px in a 640 px frame is still found."""
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
_STRIDE = 4
_MULTIPLE = 32


def prepare(image: Image) -> tuple[FloatArray, float]:
    """Network input f32 [1, 3, H, W] (RGB, 0..255, sides multiples of 32) and its scale."""
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    small = cv2.resize(
        image,
        (max(1, round(width * scale)), max(1, round(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    padded_height = -(-small.shape[0] // _MULTIPLE) * _MULTIPLE
    padded_width = -(-small.shape[1] // _MULTIPLE) * _MULTIPLE
    padded = np.zeros((1, 3, padded_height, padded_width), dtype=np.float32)
    padded[0, :, : small.shape[0], : small.shape[1]] = small.transpose(2, 0, 1)
    return padded, scale


def interpret(outputs: dict[str, FloatArray], scale: float) -> list[FaceBox]:
    """Faces above the score threshold in frame pixels, best first, overlaps suppressed."""
    heatmap = outputs["heatmap"][0, 0]
    rows, columns = np.nonzero(heatmap > MIN_SCORE)
    faces = [
        _face(outputs, int(row), int(column), scale)
        for row, column in zip(rows, columns, strict=True)
    ]
    faces.sort(key=lambda face: face.score, reverse=True)
    kept: list[FaceBox] = []
    for face in faces:
        if all(_overlap(face, other) <= MAX_OVERLAP for other in kept):
            kept.append(face)
    return kept


def by_size(faces: list[FaceBox]) -> list[int]:
    """Positions of the faces, the largest first."""
    return sorted(range(len(faces)), key=lambda at: -_area(faces[at]))


def main_face(faces: list[FaceBox]) -> FaceBox | None:
    """The face a clip is about: the largest."""
    return faces[by_size(faces)[0]] if faces else None


def _face(outputs: dict[str, FloatArray], row: int, column: int, scale: float) -> FaceBox:
    size = np.exp(outputs["scale"][0, :, row, column]) * _STRIDE
    offset = outputs["offset"][0, :, row, column]
    top = (row + offset[0] + 0.5) * _STRIDE - size[0] / 2
    left = (column + offset[1] + 0.5) * _STRIDE - size[1] / 2
    # The network gives (y, x) pairs relative to the box.
    points = outputs["landmarks"][0, :, row, column].reshape(5, 2)[:, ::-1]
    landmarks = points * size[::-1] + np.array([left, top])
    box = np.array([left, top, left + size[1], top + size[0]]) / scale
    return FaceBox(
        (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        float(outputs["heatmap"][0, 0, row, column]),
        (landmarks / scale).astype(np.float32),
    )


def _area(face: FaceBox) -> float:
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """Intersection over union of two boxes."""
    width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (_area(one) + _area(other) - shared)
