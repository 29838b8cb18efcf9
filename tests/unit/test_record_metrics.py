"""Figures of an evaluation become the file that lies beside the weights."""

import json
import shutil
from pathlib import Path

from training import repository
from training.data import MODEL_REPO
from training.record_metrics import (
    Judged,
    Measured,
    action_unit_figures,
    figures,
    record,
    record_action_units,
)
from worker.specs import AU, MADVNET, RECOGNIZE
from worker.triton.repository import read_config

ARCHIVE = {"version": "synthetic-me/4", "seed": "20250", "identities": 22.0}
CLIPS = {"all": (500, 438), "real_statistics": (252, 221), "prototypes": (248, 217)}


JUDGED: Judged = {
    "micro_amplitude": {"clips": 500, "icc_mean": 0.831, "mae_where_active_mean": 0.289},
    "phantom_motion": {
        "still": {"clips": 50, "clips_with_all_aus_under_0.3": 0.92},
        "rigid": {"clips": 50, "share_under_0.5": 0.997},
    },
    "timing": {"events": 438, "within_20_ms_from_100_fps": 0.744},
}
"""A report of made-up figures."""


def committed(model: str = MADVNET.name) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (MODEL_REPO / model / repository.METRICS_FILE).read_text(encoding="utf-8")
    )
    return found


def measured(*, count: int = 500, uf1: float = 0.876) -> Measured:
    """A report of made-up figures."""

    def row(clips: int, events: int) -> dict[str, float]:
        said = {"coarse_uf1": uf1, "accuracy_8": 0.731, "uf1_8": 0.729, "spotted_share": 0.86}
        return {"clips": clips, "event_clips": events, **said}

    rows = {name: row(*clips) for name, clips in CLIPS.items()} | {"all": row(count, 438)}
    return {"in_order": rows, "shuffled": rows}


def test_figures_are_told_as_those_that_are_committed() -> None:
    told = list(figures(measured(), ARCHIVE))

    before = committed()["metrics"]
    assert isinstance(before, list)
    assert [{**figure, "value": 0} for figure in told] == [{**old, "value": 0} for old in before]
    assert told[0]["value"] == 0.88


def test_the_command_says_how_many_clips_there_were() -> None:
    (first, *_) = figures(measured(count=60), ARCHIVE)
    assert first["command"] == "python -m training.evaluate madvnet --json - --count 60"


def test_what_is_recorded_is_served_with_these_weights(tmp_path: Path) -> None:
    for step in (*RECOGNIZE.steps, RECOGNIZE):
        shutil.copytree(MODEL_REPO / step.name, tmp_path / step.name)

    record(measured(uf1=0.5), ARCHIVE, tmp_path)

    served = read_config(tmp_path, RECOGNIZE.name).parameters
    assert json.loads(served["metrics"].string_value)[0]["value"] == 0.5
    assert served["digest"].string_value == committed()["weights"]


def test_figures_of_action_units_are_told_as_those_that_are_committed() -> None:
    told = list(action_unit_figures(JUDGED, ARCHIVE))

    before = committed(AU.name)["metrics"]
    assert isinstance(before, list)
    assert [{**figure, "value": 0} for figure in told] == [{**old, "value": 0} for old in before]
    assert [figure["value"] for figure in told] == [0.83, 0.29, 0.92, 1.0, 0.74]


def test_what_is_recorded_of_action_units_is_served_with_them(tmp_path: Path) -> None:
    shutil.copytree(MODEL_REPO / AU.name, tmp_path / AU.name)

    record_action_units(JUDGED, ARCHIVE, tmp_path)

    served = read_config(tmp_path, AU.name).parameters
    assert json.loads(served["metrics"].string_value)[0]["value"] == 0.83
    assert served["digest"].string_value == committed(AU.name)["weights"]
