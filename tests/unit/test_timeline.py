from fractions import Fraction

import pytest

from worker.errors import ClipError
from worker.video.timeline import arrange

FPS = Fraction(25)


def test_times_of_a_sound_stream_are_left_alone() -> None:
    timeline = arrange([0.5, 0.52, 0.6], FPS)

    assert list(timeline.pts_s) == [0.5, 0.52, 0.6]
    assert list(timeline.order) == [0, 1, 2]
    assert timeline.warnings == ()


def test_frames_are_put_into_the_order_of_showing() -> None:
    timeline = arrange([0.0, 0.12, 0.04, 0.08], FPS)

    assert list(timeline.order) == [0, 2, 3, 1]
    assert list(timeline.pts_s) == [0.0, 0.04, 0.08, 0.12]


def test_repeated_times_are_moved_apart_and_reported() -> None:
    timeline = arrange([0.0, 0.04, 0.04, 0.04, 0.08], FPS)

    assert list(timeline.pts_s) == pytest.approx([0.0, 0.04, 0.0401, 0.0402, 0.08])
    assert timeline.warnings == ("2 frames repeat the time stamp of another",)


def test_missing_times_follow_the_nominal_rate() -> None:
    timeline = arrange([None, None, 0.1, None], FPS)

    assert list(timeline.pts_s) == pytest.approx([0.0, 0.04, 0.1, 0.14])
    assert timeline.warnings == ("3 frames without a time stamp: the nominal rate was used",)


def test_no_rate_is_assumed() -> None:
    with pytest.raises(ClipError, match="neither time stamps nor a rate"):
        arrange([None, None], Fraction(0))
