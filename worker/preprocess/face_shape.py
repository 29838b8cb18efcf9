"""Relief, stillness and expressions of the average face, as `training.face_shape` writes them."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import cv2
import numpy as np

from worker.domain import FloatArray
from worker.specs import CROP_SIZE

_FILE: Final = "face_shape.npz"


@dataclass(frozen=True, slots=True)
class FaceShape:
    """Maps over the crop's S x S pixels."""

    relief: FloatArray
    """f32 [S, S]: how near the face is, in crop pixels; 0 on average over its still parts."""
    stillness: FloatArray
    """f32 [S, S], 0 to 1: how little expressions move a pixel; 0 off the face and in the eyes."""
    expressions: FloatArray
    """f32 [M, S, S, 2]: motion (x, y) in crop pixels per FACS unit of each AU on each side."""


@cache
def face_shape() -> FaceShape:
    """The average face."""
    with (files(__package__) / _FILE).open("rb") as file, np.load(file) as maps:
        return FaceShape(
            maps["relief"].astype(np.float32),
            maps["stillness"].astype(np.float32) / 255,
            enlarged(maps["expressions"].astype(np.float32)),
        )


def digest() -> str:
    """`sha256:` and the hex digest of the maps' file."""
    return "sha256:" + hashlib.sha256((files(__package__) / _FILE).read_bytes()).hexdigest()


def enlarged(grids: FloatArray) -> FloatArray:
    """Maps [M, G, G, ...] on a grid that spans the crop, at the crop's pixels: [M, S, S, ...]."""
    axis = np.arange(CROP_SIZE, dtype=np.float32) * ((grids.shape[1] - 1) / CROP_SIZE)
    xs, ys = np.meshgrid(axis, axis)
    return np.stack([cv2.remap(grid, xs, ys, cv2.INTER_LINEAR) for grid in grids])
