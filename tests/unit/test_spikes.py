"""Spikes of one frame go, events stay."""

import numpy as np
import pytest

from worker.preprocess.spikes import without_spikes
from worker.specs import AU_COUNT, SIDES


def trace_of(values: list[float]) -> np.ndarray:
    """f32 [N, sides, K] in which one unit on the right takes these values."""
    trace = np.zeros((len(values), len(SIDES), AU_COUNT), np.float32)
    trace[:, 1, 5] = values
    return trace


def times(count: int, fps: float) -> np.ndarray:
    return np.arange(count) / fps


def test_one_frame_that_jumps_is_passed_over() -> None:
    trace = trace_of([0.0] * 10 + [0.9] + [0.0] * 10)
    assert not without_spikes(trace, times(21, 60)).any()


def test_a_spike_at_the_end_goes_too() -> None:
    trace = trace_of([0.0] * 10 + [0.9])
    assert not without_spikes(trace, times(11, 60)).any()


@pytest.mark.parametrize("fps", [60.0, 100.0, 200.0])
def test_an_event_of_100_ms_keeps_its_place_and_its_height(fps: float) -> None:
    pts_s = times(round(fps), fps)
    away = np.minimum(np.abs(pts_s - 0.5) / 0.05, 1.0)
    values = 1.5 * (1 + np.cos(np.pi * away)) / 2
    passed = without_spikes(trace_of(values.tolist()), pts_s)[:, 1, 5]
    assert passed.argmax() == values.argmax()
    assert passed.max() > 0.99 * values.max()


def test_a_step_stays_a_step() -> None:
    trace = trace_of([0.0] * 20 + [2.0] * 20)
    assert np.array_equal(without_spikes(trace, times(40, 200)), trace)


def test_coarse_film_is_left_alone() -> None:
    trace = trace_of([0.0, 0.9, 0.0, 0.0])
    assert without_spikes(trace, times(4, 30)) is trace


def test_a_film_shorter_than_the_median_is_left_alone() -> None:
    trace = trace_of([0.0, 0.9, 0.0])
    assert without_spikes(trace, times(3, 200)) is trace
    assert without_spikes(trace[:1], times(1, 200)).shape == (1, len(SIDES), AU_COUNT)
