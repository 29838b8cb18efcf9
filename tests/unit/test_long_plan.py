"""What happens in long films: all of it known, and micro-expressions kept apart from the rest."""

from itertools import pairwise

import numpy as np
import pytest

from training import data
from training.synthetic.events import Priors
from training.synthetic.long_plan import LONGEST_MICRO_S, LongPlan, draw_long
from worker.specs import AU_NUMBERS

FPS = 30.0
LENGTH_S = 60.0


def _priors() -> Priors:
    try:
        return Priors(data.priors_file())
    except FileNotFoundError:
        pytest.skip("needs annotation statistics in MADV_DATA")


def _plans() -> list[LongPlan]:
    priors = _priors()
    return [
        draw_long(priors, LENGTH_S, FPS, np.random.default_rng([7, number]), number)
        for number in range(6)
    ]


def test_everything_that_may_happen_does_happen() -> None:
    happened = {each.what for plan in _plans() for each in plan.happenings}
    assert happened == {"micro", "macro", "blink", "speech", "turn"}


def test_micro_expressions_are_brief_and_longer_ones_are_not() -> None:
    for plan in _plans():
        for each in plan.happenings:
            lasts_s = each.offset_s - each.onset_s
            assert each.onset_s <= each.apex_s <= each.offset_s
            if each.what == "micro":
                assert lasts_s <= LONGEST_MICRO_S
            if each.what == "macro":
                assert lasts_s >= 0.7


def test_but_for_blinks_one_thing_happens_at_a_time() -> None:
    for plan in _plans():
        acts = [each for each in plan.happenings if each.what != "blink"]
        for before, after in pairwise(acts):
            assert after.onset_s - before.offset_s >= 0.5


def test_the_face_moves_in_a_micro_expression_and_rests_between() -> None:
    still = [row for row, number in enumerate(AU_NUMBERS) if number != 45]
    for plan in _plans():
        moves = plan.clip.intensity[:, still].max(axis=(1, 2))
        busy = np.zeros(len(moves), dtype=bool)
        for each in plan.happenings:
            during = (plan.clip.pts_s >= each.onset_s) & (plan.clip.pts_s <= each.offset_s)
            busy |= during | _just_after(plan, each.offset_s)
            if each.what == "micro":
                assert 0.2 < moves[during].max() < 3.0
        assert moves[~busy].max() < 1e-3


def _just_after(plan: LongPlan, end_s: float) -> np.ndarray:
    """A last syllable may end later than speech is said to."""
    return (plan.clip.pts_s > end_s) & (plan.clip.pts_s <= end_s + 0.25)


def test_a_head_turns_when_it_is_said_to() -> None:
    plans = _plans()
    turned = [
        np.ptp(
            np.stack([pose.numbers() for pose in plan.clip.poses])[
                (plan.clip.pts_s >= each.onset_s) & (plan.clip.pts_s <= each.offset_s)
            ][:, 2:],
            axis=0,
        ).max()
        for plan in plans
        for each in plan.happenings
        if each.what == "turn"
    ]
    assert np.rad2deg(min(turned)) > 2.0


def test_the_same_seed_gives_the_same_plan() -> None:
    priors = _priors()
    one, other = (draw_long(priors, LENGTH_S, FPS, np.random.default_rng(3), 0) for _ in range(2))
    assert one.happenings == other.happenings
    assert np.array_equal(one.clip.intensity, other.clip.intensity)
