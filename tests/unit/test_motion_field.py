"""Motion of a face in pixels of its frame, wherever in it the face lies."""

import cv2
import numpy as np
import pytest

from worker.preprocess.align import crop
from worker.preprocess.motion_field import grid_to_frame, motion_field
from worker.preprocess.spec import PREPROCESS
from worker.preprocess.stabilise import Placement, sources
from worker.preprocess.stretch import stretched
from worker.specs import CROP_SIZE, PLACES

SIDE = 480
CELL = CROP_SIZE // PLACES
INNER = slice(2, -2)
Matrix = np.ndarray


def similarity(degrees: float, scale: float, middle: tuple[float, float]) -> Matrix:
    """Frame to crop, f64 [3, 3]: a place of the frame gets into the crop's middle."""
    factor = scale * np.exp(1j * np.deg2rad(degrees))
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    shift = np.full(2, (CROP_SIZE - 1) / 2) - turn @ middle
    return np.vstack([np.column_stack([turn, shift]), [0, 0, 1]])


def at(matrix: Matrix, turn: tuple[float, float] = (0.0, 0.0)) -> Placement:
    return Placement(matrix[:2].astype(np.float32), turn, 1.0)


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    """Texture whose features are some pixels of the crop large."""
    noise = np.random.default_rng(3).standard_normal((SIDE, SIDE)).astype(np.float32)
    gray = stretched(cv2.GaussianBlur(noise, (0, 0), 7.0).astype(np.float32), 1e-6)
    return np.repeat(gray[..., None], 3, axis=2)


def warped(frame: np.ndarray, matrix: Matrix) -> np.ndarray:
    """The frame moved by a map f64 [3, 3] of its pixels."""
    return cv2.warpAffine(
        frame, matrix[:2], (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)


def field(onset: np.ndarray, apex: np.ndarray, before: Matrix, after: Matrix) -> np.ndarray:
    crops = [
        crop(image, matrix[:2], PREPROCESS).transpose(2, 0, 1)
        for image, matrix in ((onset, before), (apex, after))
    ]
    return motion_field(*crops, grid_to_frame(at(before)))


@pytest.mark.parametrize("shift", [(3.0, 0.0), (-1.5, 2.0)])
def test_a_shift_comes_out_in_pixels_of_a_turned_and_scaled_frame(
    frame: np.ndarray, shift: tuple[float, float]
) -> None:
    face = similarity(25.0, 0.4, (230.0, 250.0))
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1.0]])

    found = field(frame, warped(frame, moved), face, face)

    assert found.shape == (PLACES, PLACES, 2)
    assert np.median(found, axis=(0, 1)) == pytest.approx(shift, abs=0.15)
    assert np.abs(found[INNER, INNER] - shift).max() < 0.6


def test_what_the_head_does_meanwhile_is_no_motion_of_the_face(frame: np.ndarray) -> None:
    face = similarity(25.0, 0.4, (230.0, 250.0))
    shift = np.array([[1, 0, 3.0], [0, 1, -1.0], [0, 0, 1]])
    head = np.linalg.inv(similarity(-6.0, 1.05, (200.0, 210.0))) @ similarity(0, 1, (190.0, 200.0))

    found = field(frame, warped(frame, head @ shift), face, face @ np.linalg.inv(head))

    assert np.median(found, axis=(0, 1)) == pytest.approx((3.0, -1.0), abs=0.2)


def test_a_face_that_does_not_move_has_no_motion(frame: np.ndarray) -> None:
    face = similarity(-10.0, 0.3, (240.0, 240.0))
    assert np.abs(field(frame, frame, face, face)).max() < 0.05


def test_the_grid_begins_and_ends_where_the_crop_does() -> None:
    matrix = similarity(25.0, 0.4, (230.0, 250.0))
    corners = np.array([[0, 0, 1], [PLACES, 0, 1], [PLACES, PLACES, 1], [0, PLACES, 1.0]])

    found = corners @ grid_to_frame(at(matrix)).T

    in_crop = corners * (CELL, CELL, 1) - (0.5, 0.5, 0)
    assert found == pytest.approx((in_crop @ np.linalg.inv(matrix).T)[:, :2] + 0.5, abs=1e-3)


def test_the_grid_of_a_turned_head_is_where_its_pixels_come_from() -> None:
    placement = at(similarity(5.0, 0.5, (230.0, 250.0)), turn=(0.12, -0.08))
    rows, columns = np.indices((PLACES, PLACES)) + 0.5
    places = np.stack([columns, rows, np.ones_like(rows)], axis=-1)

    found = places @ grid_to_frame(placement).T

    middle = [pixels[CELL // 2 :: CELL, CELL // 2 :: CELL] for pixels in sources(placement)]
    apart = np.linalg.norm(found - np.stack(middle, axis=-1), axis=-1)
    assert np.median(apart) < 0.3 * CELL / 0.5
