"""The recognizer `au` measures what moves and infers no emotion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from redis import Redis

from service.client import MadvClient
from service.client.tables import summary
from service.embedded.processes import Command
from service.embedded.stack import EmbeddedStack
from service.embedded.wiring import Wiring
from service.schemas import Job, RecognizeOptions
from worker.contract import JobState
from worker.offline import analyse_file
from worker.settings import ModelSettings
from worker.specs import AU_NAMES, LABELS
from worker.telemetry.figures import INFERENCES, TALLY_KEY, Count
from worker.video.limits import DecodeLimits

if TYPE_CHECKING:
    from tests.integration.conftest import RunningGateway

pytestmark = pytest.mark.integration


def models_asked(stack: EmbeddedStack) -> dict[str, float]:
    """How much time each model has taken so far, by its name."""
    with Redis.from_url(stack.wiring.redis_url) as redis:
        sums = {Count.of(field.decode()): float(v) for field, v in redis.hgetall(TALLY_KEY).items()}
    return {
        count.labels[0]: amount
        for count, amount in sums.items()
        if (count.name, count.part) == (INFERENCES.name, "sum")
    }


def test_no_emotion_is_inferred_anywhere(
    client: MadvClient,
    stack: EmbeddedStack,
    demo_clip: Path,
    finished: Callable[[str], Job],
) -> None:
    before = models_asked(stack)
    job = client.submit(demo_clip, RecognizeOptions(recognizer="au"))
    assert finished(job.id).status is JobState.SUCCEEDED
    after = models_asked(stack)
    asked = {name for name in after if after[name] != before.get(name)}
    assert asked == {"face", "au"}

    report = client.result(job.id)
    assert report.model.name == "au"
    assert report.prediction is None
    (event,) = report.events
    assert event.probabilities == {}
    assert event.action_units["AU12"] > 0.5
    assert list(event.action_units) == list(AU_NAMES)
    assert not any(label in report.model_dump_json() for label in LABELS)
    assert client.result_csv(job.id).startswith("frame")
    assert client.plot(job.id).startswith(b"\x89PNG")
    assert summary(report)


def test_its_card_names_no_emotions(client: MadvClient) -> None:
    cards = {card.name: card for card in client.models()}
    assert cards["au"].labels == []
    assert cards["au"].action_units == list(AU_NAMES)
    assert cards["madvnet"].labels == list(LABELS)


def test_without_a_service_it_answers_the_same(short_clip: Path) -> None:
    report = analyse_file(short_clip, ModelSettings().model_repo, DecodeLimits(), "au")
    assert report.prediction is None
    assert all(event.probabilities == {} for event in report.events)


def test_a_service_may_offer_nothing_else(
    wiring: Wiring, run_gateway: Callable[[Command], AbstractContextManager[RunningGateway]]
) -> None:
    settings = {**wiring.settings, "MADV_RECOGNIZERS": '["au"]'}
    with run_gateway(replace(wiring, settings=settings).gateway()) as gateway:

        def send(options: str) -> httpx.Response:
            clip = b"\x00\x00\x00\x20ftypisom" + bytes(100)
            return gateway.http.post(
                "/v1/recognize", files={"file": clip}, data={"options": options}
            )

        assert send("{}").json()["options"]["recognizer"] == "au"
        assert send('{"recognizer": "au"}').status_code == 202
        refused = send('{"recognizer": "madvnet"}')
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
        items = [{"client_ref": "one"}]
        batch = gateway.http.post("/v1/batches", json={"items": items})
        assert batch.json()["options"]["recognizer"] == "au"
        asked = {"items": items, "options": {"recognizer": "madvnet"}}
        assert gateway.http.post("/v1/batches", json=asked).status_code == 422
