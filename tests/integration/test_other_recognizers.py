"""Every recognizer of emotions, from an upload to its result."""

from pathlib import Path

import pytest

from service.client import MadvClient
from service.schemas import RecognizeOptions
from worker.specs import LABELS

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", ["msjfn", "affectivenet", "afn", "ensemble"])
def test_it_is_listed_and_answers_without_what_only_madv_net_has(
    name: str, client: MadvClient, short_clip: Path
) -> None:
    (card,) = (model for model in client.models() if model.name == name)

    report = client.recognize(short_clip, RecognizeOptions(recognizer=name))

    assert card.labels == list(LABELS)
    assert (report.model.name, report.model.digest) == (name, card.digest)
    assert report.prediction is not None
    assert sum(report.prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert (report.prediction.level_probabilities, report.prediction.gate) == ({}, {})
    assert len(report.action_units.frames) == report.clip.frames


@pytest.mark.parametrize("name", ["madvnet", "au"])
def test_the_first_and_the_one_without_emotions_answer_for_the_same_clip(
    name: str, client: MadvClient, short_clip: Path
) -> None:
    report = client.recognize(short_clip, RecognizeOptions(recognizer=name))

    assert report.model.name == name
    assert (report.prediction is None) == (name == "au")
    assert len(report.action_units.frames) == report.clip.frames
