"""`python -m training.synthetic.displacement_table FILE`: AU motion of the average face, compact.

The demo clip and the tests move a portrait with it, so that they need neither the 3D face nor the
portraits. Derived from ICT-FaceKit (MIT).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.data import face_model_folder
from training.synthetic.face_model import FaceModel, Floats
from training.synthetic.portraits import five_points
from training.synthetic.sampling import CANVAS_SPAN, GRID, MARGIN_PX, sample_motion
from worker.preprocess.align import similarity
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU_COUNT, AU_NUMBERS, CROP_SIZE, SIDES

SIDE = 28


def main() -> None:
    """Write the table to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    displacement = table(FaceModel.load(face_model_folder()))
    np.savez_compressed(file, action_units=np.array(AU_NUMBERS), displacement=displacement)


def table(model: FaceModel) -> npt.NDArray[np.float16]:
    """f16 [K, 2, G, G, 2]: crop pixels (x right, y down) at FACS 5, on a grid spanning the crop."""
    upright = model.neutral * np.array([1, -1, 1], dtype=np.float32)
    to_crop = similarity(five_points(upright[model.landmarks68, :2]), PREPROCESS)
    scale = float(np.hypot(to_crop[0, 0], to_crop[1, 0]))
    camera = np.diag([scale, -scale, scale]).astype(np.float32)
    projected = np.column_stack(
        [upright[:, :2] @ to_crop[:, :2].T + to_crop[:, 2], scale * upright[:, 2]]
    )
    motion, _, _ = sample_motion(model, projected, model.action_units @ camera.T)
    return _regrid(motion[..., :2])


def _regrid(motion: Floats) -> npt.NDArray[np.float16]:
    """From the canvas grid to one that spans the crop alone."""
    axis = (np.linspace(0, CROP_SIZE, SIDE, dtype=np.float32) + MARGIN_PX) * (
        (GRID - 1) / CANVAS_SPAN
    )
    xs, ys = np.meshgrid(axis, axis)
    flat = motion.reshape(AU_COUNT * len(SIDES), GRID, GRID, 2)
    moved = [cv2.remap(field, xs, ys, cv2.INTER_LINEAR) for field in flat]
    return np.stack(moved).reshape(AU_COUNT, len(SIDES), SIDE, SIDE, 2).astype(np.float16)


if __name__ == "__main__":
    main()
