import json
from pathlib import Path

import numpy as np
import pytest

from training.synthetic.clips import draw_clip, loose_span
from training.synthetic.events import Event, Priors, intensities
from worker.specs import AU_NUMBERS, LABELS, NEUTRAL


@pytest.fixture
def priors(tmp_path: Path) -> Priors:
    emotion = {
        "au_sets": {"R12": 3, "6+12": 5, "38": 9},
        "duration_s": {"5": 0.2, "95": 0.5},
        "onset_to_apex_s": {"5": 0.1, "95": 0.2},
    }
    file = tmp_path / "priors.json"
    file.write_text(json.dumps({"emotions": dict.fromkeys(LABELS[:NEUTRAL], emotion)}))
    return Priors(file)


def test_envelope_rises_from_onset_to_apex_and_falls_to_offset() -> None:
    event = Event(0, np.zeros((18, 2), np.float32), 1.0, 1.2, 1.6)
    share = event.envelope(np.array([0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.7]))
    assert share == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0])


@pytest.mark.parametrize(("token", "moving"), [("L12", 0), ("R12", 1)])
def test_a_unilateral_action_moves_its_own_side_alone(token: str, moving: int) -> None:
    peak = intensities((token,), np.random.default_rng(0), 1.0, 2.0)[AU_NUMBERS.index(12)]
    assert peak[moving] > 0
    assert peak[1 - moving] == 0


def test_midline_actions_are_the_same_on_both_sides() -> None:
    peak = intensities(("17", "26"), np.random.default_rng(0), 1.0, 2.0)
    assert peak[AU_NUMBERS.index(17), 0] == peak[AU_NUMBERS.index(17), 1] > 0


def test_sets_without_a_served_action_unit_are_never_drawn(priors: Priors) -> None:
    rng = np.random.default_rng(0)
    drawn = {priors.action_units("anger", rng) for _ in range(200)}
    assert drawn == {("R12",), ("6", "12")}


def test_a_clip_depends_on_its_seed_alone(priors: Priors) -> None:
    one, other = (draw_clip(priors, 2, np.random.default_rng(7), prototype=True) for _ in "ab")
    assert np.array_equal(one.intensity, other.intensity)
    assert one.camera == other.camera


def test_timing_lies_inside_the_published_quantiles(priors: Priors) -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        event = priors.event(1, rng, prototype=False, lead_s=0.2)
        assert 0.2 <= event.offset_s - event.onset_s <= 0.5
        assert event.onset_s < event.apex_s < event.offset_s


def test_loose_spans_stay_inside_the_clip(priors: Priors) -> None:
    rng = np.random.default_rng(4)
    for label in range(len(LABELS)):
        plan = draw_clip(priors, label, rng, prototype=False)
        for _ in range(20):
            span = loose_span(plan, rng)
            assert 0 <= span.onset <= span.apex <= span.offset < len(plan.pts_s)


def test_a_neutral_clip_has_no_expression(priors: Priors) -> None:
    plan = draw_clip(priors, NEUTRAL, np.random.default_rng(11), prototype=False)
    expressive = [k for k, number in enumerate(AU_NUMBERS) if number != 45]
    assert not plan.intensity[:, expressive].any()
