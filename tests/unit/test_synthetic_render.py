import json
from functools import cache

import numpy as np
import pytest

from training import data
from training.synthetic.expression import Expression, no_units
from training.synthetic.face_model import FaceModel
from training.synthetic.landmarks import facial_points
from training.synthetic.motion import Pose
from training.synthetic.portraits import load_rigs, portrait_names
from training.synthetic.render import PICTURE, depth_map, landmarks, render
from training.synthetic.rig import Rig, build_rig
from training.synthetic.sampling import unpacked
from worker.specs import AU_MAX, AU_NUMBERS, CROP_SIZE

NEUTRAL_FACE = Expression()


def _has_data() -> bool:
    try:
        data.data_folder()
    except FileNotFoundError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_data(), reason="needs portraits and 3D face in MADV_DATA")


@cache
def _rig() -> Rig:
    """The face model's own neutral face as a drawing: its landmarks fit without any error."""
    model = FaceModel.load(data.face_model_folder())
    points = model.neutral[model.landmarks68, :2] * np.array([8.0, -8.0]) + 200
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 200, (50, 50), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    scale = 40 / (eyes[1][0] - eyes[0][0])
    shift = np.array([36, 35]) - scale * eyes[0]
    alignment = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float32)
    return build_rig("drawing", picture, facial_points(points), alignment, model)


def _au(number: int, left: float, right: float) -> Expression:
    units = no_units()
    units[AU_NUMBERS.index(number)] = left, right
    return Expression(units)


def test_the_picture_of_a_still_face_is_its_canvas() -> None:
    rig = _rig()
    margin = (rig.canvas.skin.shape[0] - PICTURE) // 2
    inner = rig.canvas.skin[margin:-margin, margin:-margin].astype(np.float32)
    inside = (slice(4, -4), slice(4, -4))
    assert np.abs(render(rig, NEUTRAL_FACE, Pose())[inside] - inner[inside]).mean() < 1.0


def test_a_left_smile_moves_the_image_right_of_the_mouth_alone() -> None:
    rig = _rig()
    change = np.abs(
        render(rig, _au(12, AU_MAX, 0), Pose()) - render(rig, NEUTRAL_FACE, Pose())
    ).mean(axis=0)
    half = PICTURE // 2
    assert change[half + 10 :].mean() > 20 * change[: half - 20].mean()


def test_smile_displacement_points_up_and_outwards() -> None:
    motion = unpacked(_rig().motion[AU_NUMBERS.index(12) * 2])
    strongest = np.unravel_index(
        np.linalg.norm(motion[..., :2], axis=-1).argmax(), motion.shape[:2]
    )
    assert motion[strongest][0] > 1
    assert motion[strongest][1] < -1


def test_the_nose_is_the_nearest_part_of_the_face() -> None:
    depth, face = depth_map(_rig(), NEUTRAL_FACE, Pose())
    row, column = np.unravel_index(np.where(face, depth, -np.inf).argmax(), depth.shape)
    assert abs(column - CROP_SIZE / 2) < 6
    assert 48 < row < 72


def test_turning_the_head_moves_near_parts_against_far_ones() -> None:
    rig = _rig()
    straight, _ = depth_map(rig, NEUTRAL_FACE, Pose())
    turned, _ = depth_map(rig, NEUTRAL_FACE, Pose(yaw=0.2))
    assert np.abs(straight - turned).max() > 0.1


def test_no_identity_is_both_trained_on_and_tested() -> None:
    folder = data.portraits_folder()
    train, test = (set(portrait_names(folder, split)) for split in ("train", "test"))
    assert train
    assert test
    assert not train & test


@pytest.mark.slow
def test_every_test_portrait_becomes_a_rig() -> None:
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), "test", data.DETECTOR)
    assert len(rigs) == len(portrait_names(data.portraits_folder(), "test"))
    for rig in rigs:
        lips = rig.points68[60:68].mean(axis=0)
        assert abs(lips[0] - CROP_SIZE / 2) < 6, rig.name
        assert 68 < lips[1] < 84, rig.name


def test_a_blink_brings_the_lids_together() -> None:
    rig = _rig()
    still, shut = (landmarks(rig, e, Pose()) for e in (NEUTRAL_FACE, _au(45, AU_MAX, AU_MAX)))
    upper, lower = [37, 38, 43, 44], [41, 40, 47, 46]
    opening = still[lower, 1] - still[upper, 1]
    assert np.all(shut[lower, 1] - shut[upper, 1] < 0.2 * opening)


def test_a_closed_lid_hides_the_eyeball_and_an_open_one_shows_it() -> None:
    rig = _rig()
    x, y, _ = rig.eyes[0].iris
    at = round(y * 2), round(x * 2)
    rig.canvas.eyeballs[:] = 255
    rig.canvas.skin[:] = 20
    assert render(rig, NEUTRAL_FACE, Pose())[at] > 150
    assert render(rig, _au(45, AU_MAX, AU_MAX), Pose())[at] < 60
    _rig.cache_clear()


def test_parted_lips_uncover_the_mouth_and_closed_ones_do_not() -> None:
    rig = _rig()
    rig.canvas.skin[:] = 200
    xs, ys = rig.mouth.line
    column, row = round(float(xs.mean()) * 2), round(float(ys.mean()) * 2)
    band = slice(row, row + 16)
    open_mouth = _au(26, 4, 4)
    open_mouth.units[AU_NUMBERS.index(25)] = 4
    assert render(rig, NEUTRAL_FACE, Pose())[band, column].min() > 150
    assert render(rig, open_mouth, Pose())[band, column].min() < 120
    _rig.cache_clear()


def test_landmarks_of_a_still_face_are_those_of_its_portrait() -> None:
    rig = _rig()
    assert landmarks(rig, NEUTRAL_FACE, Pose()) == pytest.approx(rig.points68[:, :2], abs=1e-3)


def test_landmark_indices_cover_the_68_points() -> None:
    indices = json.loads((data.face_model_folder() / "mesh478_to_68.json").read_text())
    assert len(indices) == 68
