"""What is shown beside an answer, from an upload to its result."""

from pathlib import Path

import numpy as np
import pytest

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack
from service.schemas import RecognizeOptions
from worker.contract import AnalysisReport, Event
from worker.offline import analyse_file
from worker.specs import PLACES
from worker.video.limits import DecodeLimits

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def explained(stack: EmbeddedStack, demo_clip: Path) -> AnalysisReport:
    """The demo clip with its explanation."""
    with MadvClient(stack.gateway_url) as client:
        return client.recognize(demo_clip, RecognizeOptions(explain=True))


def bare(event: Event) -> Event:
    return event.model_copy(update={"explanation": None})


def test_the_smile_of_the_demo_clip_is_said_and_shown(explained: AnalysisReport) -> None:
    event = explained.events[0]

    assert "AU12 rises" in event.evidence
    assert event.explanation is not None
    motion = np.array(event.explanation.motion)
    assert motion.shape == (PLACES, PLACES, 2)
    # Corners of the mouth go up, and apart from each other; the brows stay where they are.
    left, right = motion[8:11, 3:6], motion[8:11, 8:11]
    assert (left[..., 1].min(), right[..., 1].min()) < (-0.5, -0.5)
    assert left[..., 0].mean() < 0 < right[..., 0].mean()
    assert np.linalg.norm(motion[:3], axis=-1).mean() < np.linalg.norm(motion[8:11], axis=-1).mean()


def test_attention_is_shown_where_there_is_one(
    explained: AnalysisReport, client: MadvClient, demo_clip: Path
) -> None:
    event = explained.events[0]
    assert event.explanation is not None
    attention = np.array(event.explanation.attention)
    assert attention.shape == (PLACES, PLACES)
    assert (attention.min() >= 0, attention.max()) == (True, 1)

    (other, *_) = client.recognize(
        demo_clip, RecognizeOptions(explain=True, recognizer="au")
    ).events

    assert other.explanation is not None
    assert other.explanation.attention is None
    assert other.explanation.motion == event.explanation.motion


def test_an_explanation_changes_nothing_else(
    explained: AnalysisReport, client: MadvClient, demo_clip: Path
) -> None:
    plain = client.recognize(demo_clip)

    assert [event.explanation for event in plain.events] == [None] * len(plain.events)
    assert [bare(event) for event in explained.events] == plain.events
    assert explained.action_units == plain.action_units
    assert explained.prediction == plain.prediction


def test_models_in_this_process_explain_alike(
    explained: AnalysisReport, stack: EmbeddedStack, demo_clip: Path
) -> None:
    here = analyse_file(demo_clip, stack.wiring.model_repo, DecodeLimits(), "madvnet", explain=True)

    assert here.action_units == explained.action_units
    for one, other in zip(here.events, explained.events, strict=True):
        assert one.explanation is not None
        assert other.explanation is not None
        assert one.evidence == other.evidence
        assert one.explanation.grid == other.explanation.grid
        assert one.explanation.motion == other.explanation.motion
        assert np.array(one.explanation.attention) == pytest.approx(
            np.array(other.explanation.attention), abs=2e-3
        )
