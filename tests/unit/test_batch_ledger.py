"""The output folder of `madv batch submit`: lines, locks and tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from service.client.submission.ledger import BatchNote, Ledger, LedgerError, Line
from service.client.submission.tables import write_tables
from worker.contract import AnalysisReport, JobState


def line(number: int, report: AnalysisReport | None = None) -> Line:
    state = JobState.SUCCEEDED if report else JobState.FAILED
    code = None if report else "no-face"
    return Line(
        client_ref=f"c{number}",
        job_id=f"job_{number}",
        status=state,
        code=code,
        cursor=str(number),
        result=report,
    )


def test_lines_survive_and_are_not_written_twice(tmp_path: Path, report: AnalysisReport) -> None:
    with Ledger.locked(tmp_path / "out") as ledger:
        ledger.append(line(1, report))
        ledger.append(line(2))
        ledger.append(Line.rejected("c3", "not-a-video", "words"))
    with Ledger.locked(tmp_path / "out") as ledger:
        ledger.append(line(1, report))
        found = list(ledger.lines())
    assert [entry.client_ref for entry in found] == ["c1", "c2", "c3"]
    assert found[0].result == report
    assert ledger.cursor == "2"
    assert ledger.statuses == {"succeeded": 1, "failed": 1, "rejected": 1}
    assert ledger.codes == {"no-face": 1, "not-a-video": 1}


@pytest.mark.parametrize(
    "torn", [b'{"client_ref": "c2", "sta', b'{"client_ref": "c2"\n', b"\0\0\0"]
)
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with Ledger.locked(tmp_path) as ledger:
        ledger.append(line(1))
    with ledger.results_path.open("ab") as file:
        file.write(torn)
    with Ledger.locked(tmp_path) as ledger:
        assert ledger.done == {"c1"}
        ledger.append(line(2))
    lines = ledger.results_path.read_text().splitlines()
    assert [json.loads(text)["client_ref"] for text in lines] == ["c1", "c2"]


def test_damage_elsewhere_is_not_mended(tmp_path: Path) -> None:
    with Ledger.locked(tmp_path) as ledger:
        ledger.append(line(1))
    ledger.results_path.write_bytes(b"{\n" + ledger.results_path.read_bytes())
    with pytest.raises(LedgerError, match="byte 0"), Ledger.locked(tmp_path):
        pass


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    with (
        Ledger.locked(tmp_path),
        pytest.raises(LedgerError, match="another run"),
        Ledger.locked(tmp_path),
    ):
        pass


def test_the_batch_is_remembered(tmp_path: Path) -> None:
    note = BatchNote(
        batch_id="batch_1", manifest_sha256="0", url="u", created_at=datetime.now(UTC), clips=3
    )
    with Ledger.locked(tmp_path) as ledger:
        assert ledger.note is None
        ledger.remember(note)
    with Ledger.locked(tmp_path) as ledger:
        assert ledger.note == note


def test_tables_have_a_row_per_clip_and_a_row_per_frame(
    tmp_path: Path, report: AnalysisReport
) -> None:
    with Ledger.locked(tmp_path) as ledger:
        ledger.append(line(1, report))
        ledger.append(line(2))
        ledger.append(line(3, report))
        clips, frames = map(pd.read_parquet, write_tables(ledger))
    assert clips["client_ref"].tolist() == ["c1", "c2", "c3"]
    assert clips["status"].tolist() == ["succeeded", "failed", "succeeded"]
    assert clips["p_happiness"].isna().tolist() == [False, True, False]
    assert {"label", "onset_s", "apex_s", "offset_s", "adequacy", "AU12", "fps"} <= set(clips)
    assert frames["client_ref"].tolist() == ["c1"] * 4 + ["c3"] * 4
    assert list(frames)[1:6] == ["frame", "face_id", "timestamp", "confidence", "success"]


def test_no_result_at_all_still_makes_tables(tmp_path: Path) -> None:
    with Ledger.locked(tmp_path) as ledger:
        ledger.append(line(1))
        clips, frames = write_tables(ledger)
    assert pq.read_metadata(clips).num_rows == 1
    assert pq.read_metadata(frames).num_rows == 0
