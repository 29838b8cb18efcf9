"""What counts as found, and what false events are put down to."""

from pathlib import Path

import numpy as np
import pytest

from training.judges.spotting import Interval, SpottingJudge, matched, overlaps, reason
from training.spotting import Stretch, found_in
from training.synthetic.long_films import LongFilm
from training.synthetic.long_plan import Happening
from worker.specs import AU_COUNT, AU_NUMBERS


def micro(onset_s: float, offset_s: float) -> Happening:
    return Happening("micro", onset_s, (onset_s + offset_s) / 2, offset_s)


def interval(onset_s: float, offset_s: float) -> Interval:
    return Interval(onset_s, (onset_s + offset_s) / 2, offset_s)


def film(*happenings: Happening) -> LongFilm:
    return LongFilm(Path("film.mp4"), "somebody", "libx264", 60.0, happenings)


def test_overlap_is_intersection_over_union() -> None:
    found = [interval(1.0, 2.0), interval(5.0, 5.5)]
    assert overlaps(found, [micro(1.5, 2.5)]) == pytest.approx(np.array([[1 / 3], [0.0]]))


def test_half_of_the_union_is_enough_and_less_is_not() -> None:
    assert matched([interval(1.0, 1.5)], [micro(1.0, 2.0)]) == [(0, 0, 0.5)]
    assert matched([interval(1.0, 1.49)], [micro(1.0, 2.0)]) == []


def test_an_event_found_twice_is_found_once() -> None:
    ((which, at, _),) = matched([interval(1.0, 1.6), interval(1.0, 2.0)], [micro(1.0, 2.0)])
    assert (which, at) == (1, 0)


def test_nothing_matches_nothing() -> None:
    assert matched([], [micro(1.0, 2.0)]) == matched([interval(1.0, 2.0)], []) == []


def test_figures_are_over_all_films_together() -> None:
    judge = SpottingJudge()
    judge.see(film(micro(1.0, 1.4), micro(5.0, 5.4)), [interval(1.0, 1.4), interval(9.0, 9.3)])
    judge.see(film(micro(3.0, 3.4)), [interval(3.0, 3.4)])
    report = judge.report()
    assert (report["events"], report["found"], report["hits"]) == (3, 3, 2)
    assert report["f1"] == report["precision"] == report["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert report["false_per_minute"] == 0.5


def test_nothing_seen_is_no_error() -> None:
    assert SpottingJudge().report()["f1"] == 0.0


def test_a_false_event_is_put_down_to_what_happened_then() -> None:
    happenings = [Happening("blink", 2.0, 2.1, 2.3), Happening("macro", 2.2, 3.0, 5.0)]
    assert reason(interval(1.9, 2.2), happenings) == "blink"
    assert reason(interval(4.0, 4.4), happenings) == "macro"
    assert reason(interval(8.0, 8.4), happenings) == ""


def test_an_event_that_two_windows_name_is_listed_once() -> None:
    pts_s = np.arange(0, 6, 0.02)
    trace = np.zeros((len(pts_s), 2, AU_COUNT), np.float32)
    share = np.clip(1 - np.abs(pts_s - 3.0) / 0.2, 0, 1)
    trace[:, :, AU_NUMBERS.index(12)] = 1.5 * share[:, None]
    stretch = Stretch(pts_s, trace, np.zeros((len(pts_s), 2), np.float32), slice(0, len(pts_s)))
    (found,) = found_in([stretch, stretch])
    assert found.apex_s == pytest.approx(3.0, abs=0.05)
