"""Pictures of motion on made-up clips with a known answer."""

import numpy as np
import pytest

from worker.domain import FloatArray
from worker.preprocess import rank_pooling
from worker.preprocess.dynamic_image import (
    PICTURES,
    affective_motion,
    learnet,
    luma,
    magnified,
    midi,
    motion_intensity,
    pictures,
    trdi,
)
from worker.preprocess.stretch import stretched

SIDE = 24
FACE = np.random.default_rng(3).uniform(20, 200, (SIDE, SIDE)).astype(np.float32)
BUMP = np.exp(-((np.indices((SIDE, SIDE)) - SIDE / 2) ** 2).sum(axis=0) / 18).astype(np.float32)


def moved(*amounts: float) -> FloatArray:
    """A face of which one place brightens by these many levels, one frame each."""
    return FACE + np.array(amounts, np.float32)[:, None, None] * BUMP


def test_bilen_s_weights_are_the_published_ones() -> None:
    sixteen = (-25.472, -10.472, -3.972, -0.306, 1.944, 3.344, 4.178, 4.606)
    later = (4.731, 4.620, 4.320, 3.866, 3.282, 2.590, 1.804, 0.938)

    assert rank_pooling.bilen(5) == pytest.approx([-3.7, 0.3, 1.3, 1.3, 0.8])
    assert rank_pooling.bilen(16) == pytest.approx((*sixteen, *later), abs=6e-4)


@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_weights_add_up_to_nothing_or_to_the_frames(count: int) -> None:
    harmonic = [1 / np.arange(1, count + 1)[first:] for first in range(count)]
    closed = [2 * (count - first) - (count + 1) * tail.sum() for first, tail in enumerate(harmonic)]

    assert rank_pooling.bilen(count) == pytest.approx(closed, abs=1e-9)
    assert rank_pooling.bilen(count).sum() == pytest.approx(0, abs=1e-9)
    assert rank_pooling.learnet(count).sum() == pytest.approx(count)


def test_pooling_means_ranks_them() -> None:
    frames = np.random.default_rng(1).normal(size=(7, 3, 3)).astype(np.float32)
    means = np.cumsum(frames, axis=0) / np.arange(1, 8)[:, None, None]
    ranked = sum(means[later] - means[earlier] for later in range(7) for earlier in range(later))

    assert trdi(frames) == pytest.approx(ranked, abs=1e-4)


@pytest.mark.parametrize("name", sorted(set(PICTURES) - {"learnet"}))
def test_a_still_face_is_invisible(name: str) -> None:
    still = PICTURES[name](moved(*[0] * 16))

    assert still == pytest.approx(np.zeros((SIDE, SIDE)), abs=1e-2)
    assert not stretched(still, 0.01).any()


@pytest.mark.parametrize("name", sorted(set(PICTURES) - {"learnet"}))
def test_what_brightens_is_bright_whatever_the_face(name: str) -> None:
    picture = PICTURES[name](moved(*range(16)))

    assert np.unravel_index(picture.argmax(), picture.shape) == (SIDE // 2, SIDE // 2)
    assert np.corrcoef(picture.ravel(), BUMP.ravel())[0, 1] > 0.95


def test_learnet_s_picture_keeps_the_face() -> None:
    assert learnet(moved(*[0] * 16)) == pytest.approx(16 * FACE, rel=1e-4)


def test_frames_in_order_of_motion_are_pooled_as_in_order_of_time() -> None:
    rising = moved(0, 1, 1, 3, 4, 7, 9)

    assert midi(rising) == pytest.approx(trdi(rising), abs=1e-3)


def test_from_onset_to_offset_motion_counts_whenever_it_came() -> None:
    quick = moved(0, 4, 8, 6, 4, 2, 0)
    slow = quick[::-1]
    middle = SIDE // 2, SIDE // 2

    assert midi(quick) == pytest.approx(midi(slow), abs=1e-3)
    assert trdi(slow)[middle] > 1.2 * trdi(quick)[middle]
    assert midi(quick, is_weighted=True)[middle] > midi(moved(*[0] * 7), is_weighted=True)[middle]


def test_intensity_is_the_mean_change_of_a_pixel() -> None:
    assert motion_intensity(moved(3, 3, 5)) == pytest.approx([0, 0, 2 * BUMP.mean()], rel=1e-4)


def test_affective_motion_ends_at_the_apex() -> None:
    risen = affective_motion(moved(0, 3, 6, 9))

    assert affective_motion(moved(0, 3, 6, 9, 5, 0)) == pytest.approx(risen, abs=1e-2)


def test_magnifying_strengthens_motion_and_leaves_the_onset() -> None:
    frames = moved(0, 1)

    larger = magnified(frames, gain=10.0, blur_px=1.0)

    assert larger[0] == pytest.approx(frames[0])
    assert 8 < (larger[1] - frames[0]).max() < 11


def test_gray_crops_are_their_own_luma() -> None:
    gray = np.random.default_rng(2).integers(0, 256, (4, SIDE, SIDE), dtype=np.uint8)
    crops = np.repeat(gray[:, None], 3, axis=1)

    assert luma(crops) == pytest.approx(gray.astype(float), abs=1e-3)
    seen = pictures(crops, ["midi", "trdi"])
    assert (seen.dtype, seen.shape) == (np.uint8, (2, SIDE, SIDE))
    assert (seen[1] == stretched(trdi(gray.astype(np.float32)), 0.01)).mean() > 0.999
