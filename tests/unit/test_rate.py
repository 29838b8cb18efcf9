import numpy as np
import pytest

from worker.rate import FrameRate, adequacy


@pytest.mark.parametrize(
    ("fps", "verdict"),
    [
        (200, "good"),
        (100, "good"),
        (60, "coarse"),
        (30, "coarse"),
        (20, "coarse"),
        (15, "inadequate"),
    ],
)
def test_the_verdict_follows_the_rate(fps: int, verdict: str) -> None:
    assert adequacy(FrameRate.of(np.arange(50) / fps)).verdict == verdict


def test_the_reason_counts_frames() -> None:
    reason = adequacy(FrameRate.of(np.arange(72) / 30)).reason

    assert reason == "33 ms between frames; a 1/5 s onset is covered by 6 frames"


def test_gaps_count_not_the_mean() -> None:
    """Half the frames at 5 ms do not make up for the other half at 60 ms."""
    intervals = np.tile([0.005, 0.06], 20)

    assert adequacy(FrameRate.of(np.cumsum(intervals))).verdict == "inadequate"


def test_rate_and_duration_are_measured() -> None:
    rate = FrameRate.of(0.3 + np.arange(72) / 30)

    assert rate.fps == pytest.approx(30)
    assert rate.duration_s == pytest.approx(2.4)
    assert not rate.is_variable


def test_rounding_to_milliseconds_is_no_variable_rate() -> None:
    assert not FrameRate.of((np.arange(72) / 29.97).round(3)).is_variable
    assert FrameRate.of(np.cumsum(np.tile([0.033, 0.033, 0.066], 9))).is_variable
