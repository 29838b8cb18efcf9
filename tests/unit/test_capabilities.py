"""What a worker says of itself, from what is really served."""

from dataclasses import replace

import pytest

from worker.backend import Deadline, ModelDescription
from worker.capabilities import capabilities, model_card
from worker.contract import RECOGNIZERS, Capabilities
from worker.errors import ContractMismatch
from worker.settings import ModelSettings
from worker.specs import LABELS
from worker.triton.inprocess import InProcessBackend
from worker.video.limits import DecodeLimits

ABOUT = {
    "version": "3",
    "digest": "sha256:0",
    "preprocess_digest": "sha256:1",
    "trained_on": "this,that",
    "licence": "CC0-1.0",
    "metrics": '[{"name": "uf1", "value": 0.5, "protocol": "LOSO", "command": "measure"}]',
}
SERVED = ModelDescription("recognize", (), (), 0, ABOUT)


def test_the_committed_models_describe_themselves() -> None:
    with InProcessBackend(ModelSettings().model_repo) as backend:
        able = capabilities(backend, DecodeLimits(max_frames=77), Deadline.after(10.0))

    assert Capabilities.model_validate_json(able.model_dump_json()) == able
    card, *_, units = able.models
    assert [model.name for model in able.models] == list(RECOGNIZERS)
    assert (units.name, units.labels) == ("au", [])
    assert card.licence == "CC-BY-4.0"
    assert card.labels == list(LABELS)
    by_name = {metric.name: metric for metric in card.metrics if "in order" in metric.protocol}
    assert by_name["uf1_coarse"].command.startswith("python -m training.evaluate")
    assert able.limits.max_frames == 77
    assert {"mp4", "zip"} <= set(able.limits.containers)
    assert able.limits.archive_images == [".png", ".jpg", ".jpeg", ".bmp"]


def test_a_card_is_what_the_served_model_says() -> None:
    card = model_card("mine", SERVED)

    assert (card.name, card.version, card.trained_on) == ("mine", "3", ["this", "that"])
    assert [metric.value for metric in card.metrics] == [0.5]


@pytest.mark.parametrize("missing", ABOUT)
def test_a_model_that_does_not_say_what_it_is(missing: str) -> None:
    silent = {name: value for name, value in ABOUT.items() if name != missing}
    with pytest.raises(ContractMismatch, match=missing):
        model_card("mine", replace(SERVED, parameters=silent))


@pytest.mark.parametrize("figures", ["", "0.85", '[{"name": "uf1"}]'])
def test_figures_without_a_protocol_are_refused(figures: str) -> None:
    with pytest.raises(ContractMismatch, match="metrics"):
        model_card("mine", replace(SERVED, parameters={**ABOUT, "metrics": figures}))
