"""A result to make tables of."""

import pytest

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
