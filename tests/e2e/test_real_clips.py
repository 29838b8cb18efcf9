"""Real video through the whole chain: what a user would send, and what should come back."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.client import JobFailed, MadvClient
from service.embedded.stack import EmbeddedStack
from service.schemas import RecognizeOptions
from training.data import data_folder
from training.metrics import pearson
from worker.contract import RECOGNIZERS, AnalysisReport, ErrorCode
from worker.demo.clip import DEMO_EVENT
from worker.specs import LABELS

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clips() -> Path:
    try:
        return data_folder() / "clips"
    except FileNotFoundError:
        pytest.skip("needs the real clips in MADV_DATA")


@pytest.fixture(scope="module")
def smile(stack: EmbeddedStack, clips: Path) -> AnalysisReport:
    with MadvClient(stack.gateway_url) as client:
        return client.recognize(clips / "single_face.mp4")


def test_a_real_smile_gets_a_row_per_frame_and_eight_probabilities(smile: AnalysisReport) -> None:
    assert len(smile.action_units.frames) == 72
    assert set(smile.prediction.probabilities) == set(LABELS)
    assert sum(smile.prediction.probabilities.values()) == pytest.approx(1, abs=1e-4)


def test_the_smile_trace_follows_an_independent_landmark_tracker(
    smile: AnalysisReport, clips: Path
) -> None:
    with (clips / "single_face.blendshapes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    reference = [float(row["mouthSmileLeft"]) + float(row["mouthSmileRight"]) for row in rows]
    column = smile.action_units.names.index("AU12")
    measured = [frame.intensity[column] for frame in smile.action_units.frames if frame.intensity]
    assert len(measured) == len(reference)
    correlation = pearson(np.array(reference, np.float32), np.array(measured, np.float32))
    print(f"AU12 against mouthSmile: Pearson {correlation:.3f}")  # noqa: T201  # a figure the README quotes
    assert correlation >= 0.6


def test_the_command_without_a_server_gives_the_numbers_of_the_service(
    smile: AnalysisReport, clips: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    madv = Path(sys.executable).with_name("madv")
    clip = clips / "single_face.mp4"
    subprocess.run([madv, "analyze", clip, "--json", out], check=True)
    alone = AnalysisReport.model_validate_json(out.read_text())
    served, offline = (_numbers(report) for report in (smile, alone))
    assert len(served) == len(offline) > 72 * 18
    assert np.abs(served - offline).max() <= 1e-4


@pytest.mark.parametrize("name", RECOGNIZERS[1:])
def test_every_other_recognizer_answers_for_the_smile(
    name: str, client: MadvClient, clips: Path
) -> None:
    report = client.recognize(clips / "single_face.mp4", RecognizeOptions(recognizer=name))
    assert report.model.name == name
    assert len(report.action_units.frames) == 72
    assert (report.prediction is None) == (name == "au")
    if report.prediction:
        assert sum(report.prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_a_clip_without_a_face_fails_with_its_code(client: MadvClient, clips: Path) -> None:
    with pytest.raises(JobFailed) as failed:
        client.recognize(clips / "no_face.mp4")
    assert failed.value.code == ErrorCode.NO_FACE


def test_the_demo_smile_is_recognised_where_it_happens(client: MadvClient, demo_clip: Path) -> None:
    report = client.recognize(demo_clip)
    assert report.prediction.label == "happiness"
    assert max(report.prediction.coarse, key=report.prediction.coarse.__getitem__) == "positive"
    (event,) = report.events
    assert abs(event.apex_s - DEMO_EVENT.apex_s) <= 0.05
    strongest = sorted(event.action_units, key=event.action_units.__getitem__)[-2:]
    assert set(strongest) == {"AU06", "AU12"}


def _numbers(report: AnalysisReport) -> np.ndarray:
    """Every number of a report that a model produced."""
    document = json.loads(report.model_dump_json(by_alias=True))
    rows = [row["intensity"] for row in document["action_units"]["frames"]]
    prediction = document["prediction"]
    return np.concatenate(
        [
            np.ravel(rows),
            *(list(prediction[key].values()) for key in ("probabilities", "coarse", "gate")),
        ]
    )
