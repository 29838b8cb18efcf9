import numpy as np

from training.synthetic.behaviour import blink, gaze_path, speech
from training.synthetic.clips import draw_rigid, draw_still
from training.synthetic.expression import Expression, no_units
from worker.specs import AU_COUNT, AU_MAX, AU_NUMBERS

DROP, PART = AU_NUMBERS.index(26), AU_NUMBERS.index(25)


def test_a_blink_closes_faster_than_it_opens() -> None:
    times = np.arange(0, 1, 0.005)
    closure = blink(times, 0.5, AU_MAX, np.random.default_rng(0))
    top = np.flatnonzero(closure > 0.99 * AU_MAX)
    moving = np.flatnonzero(closure > 0.01)
    assert closure.max() > 0.99 * AU_MAX
    assert top[0] - moving[0] <= moving[-1] - top[-1]


def test_speech_opens_the_mouth_and_ends_closed() -> None:
    times = np.arange(0, 2, 0.02)
    units, extras = speech(times, 0.2, 1.5, np.random.default_rng(1))
    assert units.shape == (len(times), AU_COUNT, 2)
    assert units[:, PART].max() > 1
    assert not units[0].any()
    assert not units[-1].any()
    assert not extras[-1].any()


def test_a_gaze_stays_inside_the_eye() -> None:
    times = np.arange(0, 4, 0.01)
    gaze = gaze_path(times, np.random.default_rng(2))
    assert gaze.shape == (len(times), 2)
    assert np.abs(gaze).max() < 1.2


def test_a_dropped_jaw_keeps_lips_closed_unless_they_part() -> None:
    closed, parted = no_units(), no_units()
    closed[DROP] = parted[DROP] = 3
    parted[PART] = 3
    lips_closed = slice(-2, None)
    assert Expression(closed).shares()[lips_closed].min() > 0.5
    assert not Expression(parted).shares()[lips_closed].any()


def test_stills_and_turning_heads_show_no_expression() -> None:
    still, turning = draw_still(np.random.default_rng(0)), draw_rigid(np.random.default_rng(0))
    assert len(still.pts_s) == 60
    assert not still.intensity.any()
    assert not turning.intensity.any()
    assert len(set(still.poses)) == 1
    turns = np.rad2deg([[pose.yaw, pose.pitch, pose.roll] for pose in turning.poses])
    assert 2 < np.abs(turns).max() <= 8
