from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from training import data
from training.synthetic.clips import ClipPlan, draw_still
from training.synthetic.coded_pairs import draw_coded_pairs, pairs_of
from training.synthetic.events import Priors
from training.synthetic.motion import Pose
from training.synthetic.portraits import load_rigs
from training.synthetic.rig import Rig

_FACE = (slice(20, 92), slice(24, 88))


def _has_data() -> bool:
    try:
        data.data_folder()
    except FileNotFoundError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_data(), reason="needs portraits and 3D face in MADV_DATA")


@cache
def _rigs() -> list[Rig]:
    portraits, model = data.portraits_folder(), data.face_model_folder()
    return load_rigs(portraits, model, "validation", data.DETECTOR)[:2]


def _passing_by() -> ClipPlan:
    """A clean film of a face that moves across the picture and does nothing else."""
    plan = draw_still(np.random.default_rng(1), frames=12)
    camera = replace(plan.camera, noise=0.5, flicker=0.0, blur_px=0.0, gain=1.0, contrast=1.0)
    poses = tuple(Pose(shift=(0.5 * frame, 0.0)) for frame in range(12))
    return replace(plan, camera=camera, poses=poses)


@pytest.mark.slow
def test_pairs_follow_from_the_seed() -> None:
    priors = Priors(data.priors_file())
    one, again, other = (draw_coded_pairs(_rigs(), priors, 10, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.current, again.current)
    assert np.array_equal(one.change, again.change)
    assert not np.array_equal(one.current, other.current)
    assert one.reference.shape == one.current.shape == (10, 112, 112)
    assert one.change.shape == (10, 2, 18)


@pytest.mark.slow
def test_crops_hold_a_passing_face_still() -> None:
    pairs = list(pairs_of(_rigs()[0], _passing_by(), np.random.default_rng(2)))
    moved = [np.abs(now[_FACE].astype(int) - rest[_FACE]).mean() for rest, now, _ in pairs]
    rest = pairs[0][0].astype(int)
    one_pixel = np.abs(rest[:, 1:] - rest[:, :-1])[_FACE].mean()
    assert np.median(moved) < one_pixel
    assert not np.any([change for *_, change in pairs])
