"""`python -m training.face_shape FILE`: relief, stillness and expressions of the average face.

Registration (`worker/preprocess/register.py`) follows a head by its rigid motion and must not take
an expression for one. How a face shifts when the head turns is averaged over the 3D faces fitted
to the training portraits; how the action units move it is ICT-FaceKit's average face.
"""

import argparse
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training import data
from training.synthetic.face_model import Floats
from training.synthetic.portraits import load_rigs
from training.synthetic.rig import Rig
from training.synthetic.sampling import CANVAS_SPAN, GRID, MARGIN_PX
from worker.preprocess.face_shape import enlarged
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU_MAX, CROP_SIZE

_STILL_PX: Final = 4.0
"""Root-sum-square motion over all AUs at full activation that halves a pixel's weight."""
_EYE_RADII_PX: Final = (9.0, 5.0)
"""Half axes of the eye opening, left out: lids and gaze move in it."""
_INSIDE: Final = 0.9
"""Share of the faces that must reach a pixel."""
_LEAST: Final = 0.05
"""Weights below this only cost time."""
_TOP: Final = 6
"""First row; hair reaches those above."""
_DEEPEST_PX: Final = -25.0
"""Relative to the still parts; ears and what lies behind need not follow a turn."""
_SMOOTHING_PX: Final = 1.0
_TABLE: Final = "au_displacements.npz"


def main() -> None:
    """Write the maps to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), "train", data.DETECTOR)
    with (files("worker.demo") / _TABLE).open("rb") as table, np.load(table) as content:
        expressions = content["displacement"]
    relief, stillness = maps(rigs, expressions.astype(np.float32))
    np.savez_compressed(
        file,
        relief=relief.astype(np.float16),
        stillness=(255 * stillness).round().astype(np.uint8),
        expressions=(expressions / AU_MAX).reshape(-1, *expressions.shape[2:]).astype(np.float16),
    )


def maps(rigs: Sequence[Rig], expressions: Floats) -> tuple[Floats, Floats]:
    """Relief f32 [S, S] in crop pixels, mean 0 where still; stillness f32 [S, S], 0..1."""
    depth = np.mean([rig.depth for rig in rigs], axis=0)
    face = np.mean([rig.face for rig in rigs], axis=0)
    moved = enlarged(np.sqrt((expressions**2).sum(axis=(0, 1, 4)))[None])[0]
    stillness = _weights(_mirrored(moved), _over_crop(face) > _INSIDE)
    relief = _over_crop(depth)
    relief = relief - (relief * stillness).sum() / stillness.sum()
    return np.maximum(relief, _DEEPEST_PX), stillness


def _weights(moved: Floats, on_face: npt.NDArray[np.bool_]) -> Floats:
    weights = on_face / (1 + (moved / _STILL_PX) ** 2)
    rows, columns = np.mgrid[0:CROP_SIZE, 0:CROP_SIZE]
    for x, y in PREPROCESS.template[:2]:
        across, along = _EYE_RADII_PX
        outside = ((columns - x) / across) ** 2 + ((rows - y) / along) ** 2
        weights *= np.clip((outside - 1) / 0.6, 0, 1)
    weights[:_TOP] = 0
    smooth = cv2.GaussianBlur(weights / weights.max(), (0, 0), _SMOOTHING_PX)
    return np.where(smooth < _LEAST, 0, smooth).astype(np.float32)


def _over_crop(grid: npt.NDArray[np.floating[npt.NBitBase]]) -> Floats:
    """A map over the generator's canvas, mirrored onto itself, at the crop's pixels."""
    axis = (np.arange(CROP_SIZE, dtype=np.float32) + MARGIN_PX) * ((GRID - 1) / CANVAS_SPAN)
    xs, ys = np.meshgrid(axis, axis)
    values = cv2.remap(grid.astype(np.float32), xs, ys, cv2.INTER_LINEAR)
    return _mirrored(values.astype(np.float32, copy=False))


def _mirrored(values: npt.NDArray[np.floating[npt.NBitBase]]) -> Floats:
    return ((values + values[:, ::-1]) / 2).astype(np.float32)


if __name__ == "__main__":
    main()
