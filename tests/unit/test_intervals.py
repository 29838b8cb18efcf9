"""Micro-expressions among other things that faces do, on traces made by hand."""

import numpy as np
import pytest

from worker.preprocess.intervals import spot_all
from worker.specs import AU_COUNT, AU_NUMBERS

FPS = 50
LENGTH_S = 12.0


class Face:
    """A trace to which things are added."""

    def __init__(self, fps: float = FPS, noise: float = 0.02) -> None:
        self.pts_s = np.arange(0, LENGTH_S, 1 / fps)
        noises = np.random.default_rng(5).normal(0, noise, (len(self.pts_s), 2, AU_COUNT))
        self.trace = noises.astype(np.float32)
        self.turns = np.zeros((len(self.pts_s), 2), np.float32)

    def bump(self, units: dict[int, float], start_s: float, lasts_s: float) -> "Face":
        away = np.abs(self.pts_s - start_s - lasts_s / 2) / (lasts_s / 2)
        share = (1 + np.cos(np.pi * np.minimum(away, 1.0))) / 2
        for number, height in units.items():
            self.trace[:, :, AU_NUMBERS.index(number)] += height * share[:, None]
        return self

    def hold(self, units: dict[int, float], start_s: float, lasts_s: float) -> "Face":
        ends = [start_s, start_s + 0.2, start_s + lasts_s - 0.2, start_s + lasts_s]
        share = np.interp(self.pts_s, ends, [0, 1, 1, 0])
        for number, height in units.items():
            self.trace[:, :, AU_NUMBERS.index(number)] += height * share[:, None]
        return self

    def spans_s(self) -> list[tuple[float, float]]:
        found = spot_all(self.trace, self.pts_s, self.turns)
        ends = [(each.span.onset, each.span.offset) for each in found]
        return [(float(self.pts_s[first]), float(self.pts_s[last])) for first, last in ends]


@pytest.mark.parametrize("fps", [30, 50, 200])
def test_events_are_found_with_their_beginning_and_end(fps: float) -> None:
    face = Face(fps).bump({12: 1.0}, 2.0, 0.4).bump({1: 1.5, 2: 1.2}, 7.0, 0.3)
    assert np.array(face.spans_s()) == pytest.approx(np.array([(2.0, 2.4), (7.0, 7.3)]), abs=0.07)


def test_two_events_half_a_second_apart_are_two() -> None:
    face = Face().bump({4: 1.0}, 3.0, 0.4).bump({4: 0.8}, 3.9, 0.4)
    assert len(face.spans_s()) == 2


def test_a_face_at_rest_does_nothing() -> None:
    assert Face(noise=0.1).spans_s() == []


@pytest.mark.parametrize("lasts_s", [0.8, 1.0, 1.5, 2.5, 4.0])
def test_longer_expressions_are_none(lasts_s: float) -> None:
    assert Face().hold({12: 3.0, 6: 2.0}, 4.0, lasts_s).spans_s() == []


def test_an_event_in_the_middle_of_a_long_smile_is_one() -> None:
    face = Face().hold({12: 2.0}, 1.0, 10.0).bump({4: 1.5}, 6.0, 0.4)
    assert np.array(face.spans_s()) == pytest.approx(np.array([(6.0, 6.4)]), abs=0.07)


def test_a_blink_is_none_even_where_it_seems_to_move_brows() -> None:
    assert Face().bump({45: 4.5, 7: 1.0, 4: 0.8, 1: 0.8}, 5.0, 0.3).spans_s() == []


def test_an_event_of_the_mouth_is_seen_in_spite_of_a_blink() -> None:
    assert len(Face().bump({45: 4.5}, 5.1, 0.3).bump({12: 1.5}, 5.0, 0.4).spans_s()) == 1


def test_speech_hides_the_mouth_but_not_the_brows() -> None:
    talking = Face()
    for start_s in np.arange(3.0, 7.0, 0.25):
        talking.bump({25: 2.0, 26: 1.5, 12: 0.8, 20: 1.0}, start_s, 0.25)
    assert talking.spans_s() == []
    talking.bump({1: 1.5, 2: 1.2}, 5.0, 0.4)
    assert np.array(talking.spans_s()) == pytest.approx(np.array([(5.0, 5.4)]), abs=0.07)


def test_what_a_turning_head_seems_to_do_is_none() -> None:
    face = Face().bump({4: 0.6, 17: 0.5}, 5.0, 0.5)
    away = np.abs(face.pts_s - 5.25) / 0.25
    face.turns[:, 1] = np.deg2rad(7) * (1 + np.cos(np.pi * np.minimum(away, 1.0))) / 2
    assert face.spans_s() == []


def test_a_fall_is_none() -> None:
    assert Face().bump({12: -1.5}, 5.0, 0.4).spans_s() == []


def test_only_apexes_among_the_peaks_count() -> None:
    face = Face().bump({12: 1.0}, 2.0, 0.4).bump({12: 1.0}, 8.0, 0.4)
    later = slice(int(5 * FPS), None)
    (found,) = spot_all(face.trace, face.pts_s, face.turns, later)
    assert face.pts_s[found.span.apex] == pytest.approx(8.2, abs=0.05)
    assert found.height == pytest.approx(1.0, abs=0.1)


def test_an_uneven_clock_does_not_matter() -> None:
    face = Face(fps=100).bump({12: 1.2}, 4.0, 0.4)
    kept = np.sort(np.random.default_rng(1).permutation(len(face.pts_s))[:600])
    (found,) = spot_all(face.trace[kept], face.pts_s[kept], face.turns[kept])
    ends = face.pts_s[kept][[found.span.onset, found.span.offset]]
    assert ends == pytest.approx([4.0, 4.4], abs=0.07)


def test_three_frames_are_enough_to_ask() -> None:
    pts_s = np.array([0.0, 0.04, 0.08])
    nothing = np.zeros((3, 2, AU_COUNT), np.float32)
    assert spot_all(nothing, pts_s, np.zeros((3, 2), np.float32)) == []


def test_a_face_that_was_away_for_a_day_costs_nothing() -> None:
    face = Face().bump({12: 1.2}, 4.0, 0.4).bump({12: 1.2}, 9.0, 0.4)
    pts_s = np.where(face.pts_s < 6.0, face.pts_s, face.pts_s + 86_400.0)
    found = spot_all(face.trace, pts_s, face.turns)
    assert face.pts_s[[each.span.apex for each in found]] == pytest.approx([4.2, 9.2], abs=0.05)
