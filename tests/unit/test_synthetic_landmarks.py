import numpy as np
import pytest

from training import data
from training.synthetic.landmarks import facial_points
from training.synthetic.motion import Pose, registered
from training.synthetic.portraits import Aligner, Portrait
from worker.preprocess.spec import PREPROCESS


def _has_data() -> bool:
    try:
        data.data_folder()
    except FileNotFoundError:
        return False
    return True


@pytest.mark.skipif(not _has_data(), reason="needs portraits in MADV_DATA")
def test_both_landmark_sets_mean_the_same_points() -> None:
    folder = data.portraits_folder()
    with (
        np.load(folder / "landmarks478.npz") as mesh,
        np.load(folder / "landmarks189.npz") as template,
    ):
        name = min(mesh)
        one, other = facial_points(mesh[name]), facial_points(template[name])
    inner = slice(17, 68)
    away = np.linalg.norm(one.points68[inner] - other.points68[inner], axis=1)
    assert np.median(away) < 4
    for first, second in zip(one.eyes, other.eyes, strict=True):
        assert np.linalg.norm(np.subtract(first.iris, second.iris)) < 5
        assert first.upper[0, 0] < first.upper[-1, 0]
        assert second.upper[0, 0] < second.upper[-1, 0]
        assert abs(first.crease[4, 1] - second.crease[2, 1]) < 6


def test_unknown_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="5 landmarks"):
        facial_points(np.zeros((5, 2), np.float32))


def test_a_pose_and_its_inverse_cancel() -> None:
    pose = Pose((3.0, -2.0), 0.1, 0.05)
    there, back = pose.to_picture(), pose.to_face()
    point = np.array([20.0, 70.0])
    seen = there[:, :2] @ point + there[:, 2]
    assert back[:, :2] @ seen + back[:, 2] == pytest.approx(point, abs=1e-3)


def test_registration_puts_the_turned_rigid_points_back() -> None:
    rng = np.random.default_rng(0)
    rigid = np.column_stack([rng.uniform(30, 80, (7, 2)), rng.uniform(-10, 5, 7)])
    rigid = rigid.astype(np.float32)
    pose = Pose((4.0, 1.0), 0.1, 0.02, 0.12, -0.1)
    left = registered(pose, rigid)
    affine = left.to_picture()
    seen = left.turned(rigid)[:, :2] @ affine[:, :2].T + affine[:, 2]
    assert (seen - rigid[:, :2]).mean(axis=0) == pytest.approx(0, abs=1e-2)
    unregistered = pose.turned(rigid)[:, :2]
    assert np.abs(seen - rigid[:, :2]).mean() < np.abs(unregistered - rigid[:, :2]).mean()


@pytest.mark.skipif(not data.DETECTOR.exists(), reason="needs the face detector's weights")
def test_a_portrait_without_a_detected_face_is_placed_by_its_landmarks() -> None:
    points = np.zeros((68, 2), np.float32)
    five = np.array(PREPROCESS.template) * 2 + 30
    points[36:42], points[42:48] = five[0], five[1]
    points[[30, 48, 54]] = five[2:]
    blank = Portrait("nobody", np.full((300, 300, 3), 128, np.uint8), facial_points(points))
    affine = Aligner(data.DETECTOR).alignment(blank)
    assert affine[:, :2] == pytest.approx(np.eye(2) / 2, abs=1e-5)
