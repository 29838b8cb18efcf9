import pytest
import torch
from torch.nn import functional as fn

from training.models.flow import STRIDE, flow

SIZE = 112
INSIDE = slice(4, -4)


@pytest.fixture
def picture() -> torch.Tensor:
    """Smooth texture f32 [1, 1, S, S] with features of about 10 px."""
    torch.manual_seed(0)
    coarse = torch.randn(1, 1, SIZE // 8, SIZE // 8)
    return fn.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=False)


def _shifted(picture: torch.Tensor, x_px: float, y_px: float) -> torch.Tensor:
    """The picture moved right by x and down by y."""
    matrix = torch.tensor([[[1, 0, -2 * x_px / SIZE], [0, 1, -2 * y_px / SIZE]]])
    grid = fn.affine_grid(matrix, list(picture.shape), align_corners=False)
    return fn.grid_sample(picture, grid, padding_mode="border", align_corners=False)


@pytest.mark.parametrize("shift", [(0.2, 0.0), (0.0, -0.4), (1.5, 1.0), (-4.0, 2.0)])
def test_flow_finds_a_shift(picture: torch.Tensor, shift: tuple[float, float]) -> None:
    motion, _ = flow(picture, _shifted(picture, *shift))
    found = motion[0, :, INSIDE, INSIDE].flatten(1).median(dim=1).values
    assert found.tolist() == pytest.approx(shift, rel=0.15, abs=0.05)


def test_exchanging_the_pictures_negates_the_flow(picture: torch.Tensor) -> None:
    other = _shifted(picture, 1.0, -0.5) + 0.1 * torch.randn_like(picture)
    there, texture = flow(picture, other)
    back, same_texture = flow(other, picture)
    assert torch.allclose(there, -back, atol=1e-5)
    assert torch.allclose(texture, same_texture, atol=1e-5)


def test_uneven_light_is_no_motion(picture: torch.Tensor) -> None:
    light = torch.linspace(-0.5, 0.5, SIZE).expand(1, 1, SIZE, SIZE)
    motion, _ = flow(picture, picture + light)
    assert motion[..., INSIDE, INSIDE].abs().mean() < 0.1


def test_a_flat_picture_does_not_move() -> None:
    flat = torch.zeros(1, 1, SIZE, SIZE)
    motion, texture = flow(flat, flat)
    assert motion.shape == (1, 2, SIZE // STRIDE, SIZE // STRIDE)
    assert not motion.any()
    assert not texture.any()
