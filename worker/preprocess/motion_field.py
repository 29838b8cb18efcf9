"""Motion from the onset to the apex on an even grid over the face, head motion taken out.

Crops hold the head still, so what flows between them is what the face itself does. Where a crop
lies in its frame says how far that is there.
"""

import cv2
import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.preprocess.optical_flow import Gray, flow
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.preprocess.stabilise import Placement, sources
from worker.specs import PLACES

Affine = npt.NDArray[np.float64]


def motion_field(onset: Image, apex: Image, to_frame: Affine) -> FloatArray:
    """How far each cell has moved, f32 [PLACES, PLACES, 2] in frame pixels (x right, y down).

    Args:
        onset: Crop uint8 [3, S, S].
        apex: Another of the same face, like aligned.
        to_frame: Map f64 [2, 3] from the grid to the frame that the pixels are of.
    """
    moved = flow(_gray(onset), _gray(apex))
    cell = moved.shape[0] // PLACES
    cells = moved.reshape(PLACES, cell, PLACES, cell, 2)
    return np.asarray(np.median(cells, axis=(1, 3)) @ (to_frame[:, :2].T / cell), dtype=np.float32)


def grid_to_frame(placement: Placement, spec: PreprocessSpec = PREPROCESS) -> Affine:
    """The map f64 [2, 3] from places on the grid to pixels of a frame.

    Cells are one long, both origins are upper left corners. Where the head is turned no such map
    is exact, and this is the one that fits the middles of the cells best.
    """
    cell = spec.crop_size // PLACES
    x, y = (
        pixels.reshape(PLACES, cell, PLACES, cell).mean(axis=(1, 3))
        for pixels in sources(placement)
    )
    rows, columns = np.indices((PLACES, PLACES)) + 0.5
    places = np.column_stack([columns.ravel(), rows.ravel(), np.ones(PLACES**2)])
    # The middle of the first pixel is at (0, 0) in a placement, and at half a pixel here.
    wanted = np.column_stack([x.ravel(), y.ravel()]) + 0.5
    return np.asarray(np.linalg.lstsq(places, wanted, rcond=None)[0].T)


def _gray(crop: Image) -> Gray:
    picture = cv2.cvtColor(np.ascontiguousarray(crop.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
    return picture.astype(np.uint8, copy=False)
