import numpy as np
import pytest
import torch

from training import depth_task
from training.depth_store import DEPTH_SIDE, coarse
from training.metrics import change_correlation, flicker
from training.models.depth import DepthNet
from training.models.madvnet import MADVNet
from worker.specs import AU_COUNT, CLIP_FRAMES, CROP_SIZE, SIDES


@pytest.fixture
def maps() -> np.ndarray:
    """Two depth maps, the second after a change a tenth as large as the relief."""
    rng = np.random.default_rng(0)
    relief, change = rng.normal(size=(2, 20, 20))
    return np.stack([relief, relief + 0.1 * change]).astype(np.float32)


def test_the_change_is_judged_whatever_the_scale(maps: np.ndarray) -> None:
    inside = np.ones((20, 20), bool)
    assert change_correlation(maps, 3 * maps + 5, inside) == pytest.approx(1)
    assert change_correlation(maps, maps[::-1], inside) == pytest.approx(-1)


def test_a_still_estimate_shows_no_change(maps: np.ndarray) -> None:
    inside = np.ones((20, 20), bool)
    assert change_correlation(maps, maps[[0, 0]], inside) == 0


def test_what_is_off_the_face_does_not_count(maps: np.ndarray) -> None:
    inside = np.ones((20, 20), bool)
    inside[:5] = False
    estimate = maps.copy()
    estimate[1, :5] += 10
    assert change_correlation(maps, estimate, inside) == pytest.approx(1)


def test_flicker_is_a_share_of_the_relief(maps: np.ndarray) -> None:
    inside = np.ones((20, 20), bool)
    wobble = np.stack([maps[0] - 0.2, maps[0] + 0.2])
    assert flicker(wobble, inside) == pytest.approx(0.2 / maps[0].std(), rel=1e-4)
    assert flicker(maps[[0, 0]], inside) == 0
    assert flicker(np.zeros_like(maps), inside) == 0


def test_a_cell_that_is_partly_off_the_face_is_unknown() -> None:
    face = np.ones((1, CROP_SIZE, CROP_SIZE), bool)
    face[0, 0, 0] = False
    small = coarse(np.full(face.shape, 0.5, np.float32), face)
    assert small.shape == (1, DEPTH_SIDE, DEPTH_SIDE)
    assert np.isnan(small[0, 0, 0])
    assert np.nanmin(small) == np.nanmax(small) == 0.5


def _unlikeness(truth: np.ndarray, estimate: np.ndarray, inside: np.ndarray) -> float:
    tensors = (torch.from_numpy(array)[None] for array in (truth, estimate, inside))
    return float(depth_task.unlikeness(*tensors))


def test_the_loss_of_a_change_is_what_the_metric_lacks(maps: np.ndarray) -> None:
    inside = np.random.default_rng(1).random((20, 20)) < 0.7
    other = np.random.default_rng(2).normal(size=maps.shape).astype(np.float32)
    metric = change_correlation(maps, other, inside)
    lacking = _unlikeness(maps[1] - maps[0], other[1] - other[0], inside)
    assert lacking == pytest.approx(1 - metric, abs=1e-4)


def test_the_loss_has_a_gradient_where_parts_of_the_face_are_unknown() -> None:
    torch.manual_seed(0)
    crops = torch.randint(0, 256, (4, 2, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    depth = torch.rand(4, 2, DEPTH_SIDE, DEPTH_SIDE, dtype=torch.float16)
    depth[:, :, :20] = float("nan")
    network = DepthNet().train()
    depth_task.loss(network, (crops, depth)).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters())


def test_madvnet_takes_depth_up_to_scale_and_offset_of_the_clip() -> None:
    torch.manual_seed(0)
    network = MADVNet().eval()
    crops = torch.randint(0, 256, (1, CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    depth = torch.rand(1, CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE)
    still = torch.zeros(1, CLIP_FRAMES, len(SIDES), AU_COUNT)
    by_frame = torch.linspace(0, 1, CLIP_FRAMES).view(1, -1, 1, 1, 1)

    with torch.no_grad():
        seen, rescaled, drifting = (
            network(crops, maps, still).logits for maps in (depth, 3 * depth + 5, depth + by_frame)
        )

    assert torch.allclose(seen, rescaled, atol=1e-4)
    assert not torch.allclose(seen, drifting, atol=1e-3)  # frames are not normalised one by one
