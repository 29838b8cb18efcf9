import csv
import io

import pytest

from service.openface import csv_of
from worker.contract import AnalysisReport

NAMES = ["AU01", "AU12"]


@pytest.fixture
def report() -> AnalysisReport:
    rows = [
        ("ok", [0.1234, -0.5]),
        ("no_face", None),
        ("low_confidence", [0.0, 2.0]),
        ("decode_error", None),
    ]
    shares = {"happiness": 1.0}
    return AnalysisReport.model_validate(
        {
            "schema": "madv.result/1",
            "job_id": "job_1",
            "clip": {
                "sha256": "00",
                "frames": len(rows),
                "duration_s": 0.16,
                "fps": 25.0,
                "vfr": False,
                "width": 64,
                "height": 64,
                "rotation": 0,
            },
            "adequacy": {"verdict": "inadequate", "reason": "25 fps"},
            "face": {
                "frame": 0,
                "box": (0, 0, 1, 1),
                "confidence": 1.0,
                "alignment": ((1, 0, 0), (0, 1, 0)),
            },
            "model": {
                "name": "madvnet",
                "version": "1",
                "digest": "sha256:0",
                "preprocess": "sha256:0",
                "trained_on": [],
            },
            "prediction": {
                "label": "happiness",
                "probabilities": shares,
                "coarse": {},
                "confidence": "uncalibrated",
                "abstained": False,
                "level_probabilities": {},
                "gate": {},
            },
            "events": [],
            "action_units": {
                "names": NAMES,
                "frames": [
                    {
                        "index": index,
                        "pts_s": index * 0.04,
                        "status": status,
                        "confidence": 0.987,
                        "intensity": intensity,
                    }
                    for index, (status, intensity) in enumerate(rows)
                ],
            },
            "decode": {
                "container": "mp4",
                "codec": "h264",
                "frames_decoded": len(rows),
                "frames_used": 2,
                "warnings": [],
            },
            "timings_ms": {},
        }
    )


def test_header_has_the_names_of_openface(report: AnalysisReport) -> None:
    header = csv_of(report).splitlines()[0]
    assert header == "frame,face_id,timestamp,confidence,success,AU01_r,AU12_r"


def test_one_row_per_frame_counted_from_one(report: AnalysisReport) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    assert [row["frame"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["timestamp"] for row in rows] == ["0.000", "0.040", "0.080", "0.120"]
    assert rows[0]["AU01_r"] == "0.123"
    assert rows[0]["confidence"] == "0.99"


def test_frames_without_a_face_are_unsuccessful_and_empty_not_zero(report: AnalysisReport) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    assert [row["success"] for row in rows] == ["1", "0", "1", "0"]
    assert [row["AU12_r"] for row in rows] == ["-0.500", "", "2.000", ""]
