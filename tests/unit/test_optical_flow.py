import cv2
import numpy as np
import numpy.typing as npt
import pytest

from worker.preprocess.optical_flow import METHODS, FlowMethod, flow, flow_image, strain
from worker.preprocess.stretch import stretched

SIDE = 96
INSIDE = slice(16, -16)
Gray = npt.NDArray[np.uint8]


@pytest.fixture
def picture() -> Gray:
    """Smooth texture with features of about 8 px."""
    noise = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    return stretched(cv2.GaussianBlur(noise, (0, 0), 3.0).astype(np.float32), 1e-6)


def _carried(picture: Gray, matrix: npt.NDArray[np.float64]) -> Gray:
    """The picture under an affine [2, 3] about its centre."""
    centre = (SIDE - 1) / 2
    about = matrix.copy()
    about[:, 2] += centre - about[:, :2] @ [centre, centre]
    moved = cv2.warpAffine(
        picture, about, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return moved.astype(np.uint8, copy=False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.4, -0.6), (-2.0, 1.5)])
def test_every_method_finds_a_shift(
    picture: Gray, method: FlowMethod, shift: tuple[float, float]
) -> None:
    moved = _carried(picture, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]))
    found = np.median(flow(picture, moved, method)[INSIDE, INSIDE], axis=(0, 1))
    assert found == pytest.approx(shift, abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_a_stretch(picture: Gray, method: FlowMethod) -> None:
    moved = _carried(picture, np.array([[1.03, 0, 0], [0, 1, 0]]))
    found = flow(picture, moved, method)[INSIDE, INSIDE, 0]
    assert np.polyfit(np.arange(len(found)), found.mean(axis=0), 1)[0] == pytest.approx(
        0.03, abs=0.006
    )


def test_variational_flow_is_sharper_than_its_start(picture: Gray) -> None:
    moved = picture.copy()
    moved[32:64, 32:64] = _carried(picture, np.array([[1, 0, 0], [0, 1, 1.5]]))[32:64, 32:64]
    steepest = {
        method: np.abs(np.diff(flow(picture, moved, method)[..., 1], axis=0)).max()
        for method in ("dis", "variational")
    }
    assert steepest["variational"] > steepest["dis"]


def _linear(xx: float, xy: float, yx: float, yy: float) -> npt.NDArray[np.float32]:
    """Flow whose gradient is the same everywhere."""
    rows, columns = np.indices((12, 9)).astype(np.float32)
    return np.dstack([xx * columns + xy * rows, yx * columns + yy * rows]).astype(np.float32)


def test_strain_of_a_shift_and_of_a_turn_is_zero() -> None:
    assert strain(np.full((8, 8, 2), 3.0, dtype=np.float32)).max() == 0
    assert strain(_linear(0, -0.1, 0.1, 0)).max() == pytest.approx(0, abs=1e-6)


def test_strain_of_a_stretch_and_of_a_shear_is_known() -> None:
    assert strain(_linear(0.3, 0, 0, 0.4)) == pytest.approx(0.5, abs=1e-5)
    assert strain(_linear(0, 0.2, 0, 0)) == pytest.approx(np.sqrt(0.2**2 / 2), abs=1e-5)


def test_a_flow_image_has_the_form_of_the_public_files() -> None:
    motion = np.random.default_rng(1).standard_normal((90, 70, 2)).astype(np.float32)
    image = flow_image(motion, 28)
    assert image.shape == (28, 28, 3)
    assert image.dtype == np.uint8
    assert image.min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert image.max(axis=(0, 1)).tolist() == [255, 255, 255]


def test_pictures_of_unlike_size_are_refused(picture: Gray) -> None:
    with pytest.raises(ValueError, match="alike wanted"):
        flow(picture, picture[:-1])
