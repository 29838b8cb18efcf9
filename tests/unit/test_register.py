"""Registration on the demo's portrait, moved by a known amount."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from worker.demo.clip import DEMO_EVENT, FPS, PORTRAIT_LANDMARKS, demo_frames
from worker.domain import FloatArray, Image
from worker.preprocess import face_shape
from worker.preprocess.align import similarity
from worker.preprocess.pose import points
from worker.preprocess.register import Registrar
from worker.preprocess.spec import PREPROCESS
from worker.preprocess.stabilise import LOST, Placement, Stabiliser, sources, stabilise

ALIGNMENT = similarity(np.array(PORTRAIT_LANDMARKS, np.float32), PREPROCESS)
EYES = np.array([[36, 35, 1], [76, 35, 1]], float)


def moved(shift: tuple[float, float], degrees: float, scale: float, noise: float = 1.5) -> Image:
    """The portrait moved in its frame, under fresh noise."""
    centre = np.mean(PORTRAIT_LANDMARKS, axis=0)
    matrix = cv2.getRotationMatrix2D(tuple(centre.tolist()), degrees, scale)
    matrix[:, 2] += shift
    image = cv2.warpAffine(
        astronaut(), matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    grain = np.random.default_rng(int(1000 * scale + 10 * degrees)).normal(0, noise, image.shape)
    return (image + grain).clip(0, 255).astype(np.uint8)


def in_frame(placement: Placement) -> np.ndarray:
    """Where the template's eyes lie in the frame."""
    square = np.vstack([placement.alignment, [0, 0, 1]])
    return (EYES @ np.linalg.inv(square).T)[:, :2]


def placed(images: list[Image], guesses: FloatArray | None = None) -> list[Placement]:
    if guesses is None:
        guesses = np.repeat(ALIGNMENT[None], len(images), axis=0)
    stabiliser = Stabiliser(images[0], guesses[0])
    steps = stabilise(stabiliser, images, guesses, 0)
    found = {position: placement for position, placement, _ in steps}
    return [found[position] for position in range(len(images))]


def test_the_maps_are_those_the_specification_names() -> None:
    assert face_shape.digest() == PREPROCESS.face_shape


def test_a_shift_a_roll_and_a_zoom_are_measured_to_a_tenth_of_a_crop_pixel() -> None:
    first, second = placed([moved((0, 0), 0, 1), moved((2.5, -1.5), 3.0, 1.02)])

    centre = np.mean(PORTRAIT_LANDMARKS, axis=0)
    matrix = cv2.getRotationMatrix2D(tuple(centre.tolist()), 3.0, 1.02)
    matrix[:, 2] += (2.5, -1.5)
    expected = np.column_stack([in_frame(first), np.ones(2)]) @ matrix.T
    assert second.agreement > 0.9
    assert in_frame(second) == pytest.approx(expected, abs=0.1)


def test_noise_alone_moves_nothing() -> None:
    first, *others = placed([moved((0, 0), 0, 1 + 1e-9 * n, noise=4.0) for n in range(6)])

    for other in others:
        assert in_frame(other) == pytest.approx(in_frame(first), abs=0.15)
        assert np.abs(other.turn).max() < np.deg2rad(1)


def test_a_turn_of_the_average_face_is_found_and_taken_out() -> None:
    anchor = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
    pad, size = 16, PREPROCESS.crop_size
    wide = ALIGNMENT + np.array([[0, 0, pad], [0, 0, pad]])
    still = cv2.warpAffine(anchor, wide, (size + 2 * pad, size + 2 * pad)).astype(np.float32)
    shape = face_shape.face_shape()
    everywhere = points(shape, np.ones((size, size), dtype=np.bool_))
    columns, rows = (axis.reshape(size, size) for axis in everywhere.turned(-0.08, 0.05))
    turned = still.copy()
    turned[pad:-pad, pad:-pad] = cv2.remap(still, columns + pad, rows + pad, cv2.INTER_LINEAR)

    fit = Registrar(turned).fit(still)

    # The still picture is the turned one turned back.
    assert fit.motion[4:] == pytest.approx([-0.08, 0.05], abs=0.02)
    assert fit.agreement > 0.9


def test_a_smile_is_not_taken_for_a_motion_of_the_head() -> None:
    frames = list(demo_frames())
    apex = round(DEMO_EVENT.apex_s * FPS)

    first, second = placed([frames[0], frames[apex]])

    assert in_frame(second) == pytest.approx(in_frame(first), abs=0.35)
    assert np.rad2deg(np.abs(second.turn)).max() < 2.0


def test_a_guess_that_is_pixels_off_is_put_right() -> None:
    guesses = np.stack([ALIGNMENT, ALIGNMENT + np.array([[0, 0, 3], [0, 0, -3]], np.float32)])

    first, second = placed([moved((0, 0), 0, 1), moved((0, 0), 0, 1 + 1e-9)], guesses)

    assert in_frame(second) == pytest.approx(in_frame(first), abs=0.15)


def test_where_there_is_no_face_the_guess_stands() -> None:
    other = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)

    _, lost = placed([astronaut(), other])

    assert lost.agreement < LOST
    assert lost.alignment == pytest.approx(ALIGNMENT)


def test_sources_are_where_the_crop_s_pixels_come_from() -> None:
    columns, rows = sources(Placement(ALIGNMENT, (0.0, 0.0), 1.0))

    at = np.column_stack([columns[35, [36, 76]], rows[35, [36, 76]]])
    expected = in_frame(Placement(ALIGNMENT, (0.0, 0.0), 1.0))
    assert at == pytest.approx(expected, abs=1e-3)
