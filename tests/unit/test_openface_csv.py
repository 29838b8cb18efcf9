import csv
import io

import pandas as pd

from service.openface import csv_of
from worker.contract import AnalysisReport


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


def test_every_face_has_a_row_in_every_frame(report: AnalysisReport) -> None:
    faces = [
        {
            "track_id": track_id,
            **report.model_dump(include={"face", "prediction", "events", "action_units"}),
        }
        for track_id in (0, 2)
    ]
    both = AnalysisReport.model_validate({**report.model_dump(), "faces": faces})

    rows = list(csv.DictReader(io.StringIO(csv_of(both))))

    assert [(row["frame"], row["face_id"]) for row in rows[:4]] == [
        ("1", "0"),
        ("1", "2"),
        ("2", "0"),
        ("2", "2"),
    ]
    assert len(rows) == 2 * len(report.action_units.frames)


def test_scripts_written_for_openface_read_it(report: AnalysisReport) -> None:
    table = pd.read_csv(io.StringIO(csv_of(report)))
    table.columns = table.columns.str.strip()
    tracked = table[(table["success"] == 1) & (table["confidence"] > 0.8)]
    intensities = tracked.filter(regex=r"^AU\d+_r$")
    assert list(intensities.columns) == ["AU01_r", "AU12_r"]
    means = tracked.groupby("face_id")[list(intensities.columns)].mean()
    assert means.loc[0].round(4).to_dict() == {"AU01_r": 0.0615, "AU12_r": 0.75}
