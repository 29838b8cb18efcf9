"""All results of a batch as two Parquet files: one row per clip, one row per frame.

The lines are read twice, one at a time, so that memory does not grow with the number of frames.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from service.client.submission.ledger import Ledger, Line, replacing
from service.tabular import Cell, frame_rows, frame_schema, table_of
from worker.contract import AnalysisReport

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 64 * 1024
_LEADING = {
    "client_ref": "string",
    "job_id": "string",
    "status": "string",
    "code": "string",
    "label": "string",
}
_EVENT = {"onset_s": "float64", "apex_s": "float64", "offset_s": "float64", "adequacy": "string"}
_CLIP = {"fps": "float64", "frames": "int32", "sha256": "string", "model_digest": "string"}


def write_tables(ledger: Ledger) -> tuple[Path, Path]:
    """`results.parquet` and `frames.parquet` beside the lines they are made of."""
    import pyarrow as pa  # noqa: PLC0415  # takes a while, and loads NumPy where there is one
    import pyarrow.parquet as pq  # noqa: PLC0415

    clips, frames = ledger.folder / "results.parquet", ledger.folder / "frames.parquet"
    rows, labels, units = _survey(ledger)
    columns = {
        **_LEADING,
        **{f"p_{label}": "float32" for label in labels},
        **_EVENT,
        **dict.fromkeys(units, "float32"),
        **_CLIP,
    }
    schema = pa.schema([(name, pa.type_for_alias(alias)) for name, alias in columns.items()])
    with replacing(clips) as path:
        pq.write_table(table_of(rows, schema), path, compression="zstd")
    of_frames = frame_schema(units, leading={"client_ref": "string"})
    with replacing(frames) as path, pq.ParquetWriter(path, of_frames, compression="zstd") as file:
        for group in _row_groups(ledger, of_frames):
            file.write_table(group)
    return clips, frames


def _survey(ledger: Ledger) -> tuple[list[dict[str, Cell]], list[str], list[str]]:
    """One row per clip; the classes and action units that occur, in the order they do."""
    rows: list[dict[str, Cell]] = []
    labels: dict[str, None] = {}
    units: dict[str, None] = {}
    for line in ledger.lines():
        rows.append(clip_row(line))
        if line.result is not None:
            labels |= dict.fromkeys(_probabilities(line.result))
            units |= dict.fromkeys(line.result.action_units.names)
    return rows, list(labels), list(units)


def clip_row(line: Line) -> dict[str, Cell]:
    """What a clip's row holds, by column."""
    row: dict[str, Cell] = {
        "client_ref": line.client_ref,
        "job_id": line.job_id,
        "status": str(line.status),
        "code": line.code,
    }
    return row if line.result is None else {**row, **_report_cells(line.result)}


def _report_cells(report: AnalysisReport) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "label": None if report.prediction is None else report.prediction.label,
        "adequacy": report.adequacy.verdict,
        "fps": report.clip.fps,
        "frames": report.clip.frames,
        "sha256": report.clip.sha256,
        "model_digest": report.model.digest,
    }
    cells |= {f"p_{label}": value for label, value in _probabilities(report).items()}
    for event in report.events[:1]:
        times = {"onset_s": event.onset_s, "apex_s": event.apex_s, "offset_s": event.offset_s}
        cells |= {**times, **event.action_units}
    return cells


def _probabilities(report: AnalysisReport) -> dict[str, float]:
    return {} if report.prediction is None else report.prediction.probabilities


def _row_groups(ledger: Ledger, schema: "pa.Schema") -> Iterator["pa.Table"]:
    """Frames of clip after clip, gathered into groups worth writing."""
    import pyarrow as pa  # noqa: PLC0415

    gathered: list[pa.Table] = []
    for line in ledger.lines():
        if line.result is None:
            continue
        gathered.append(table_of(_named(line.client_ref, line.result), schema))
        if sum(table.num_rows for table in gathered) >= _ROW_GROUP:
            yield pa.concat_tables(gathered)
            gathered.clear()
    if gathered:
        yield pa.concat_tables(gathered)


def _named(client_ref: str, report: AnalysisReport) -> Iterator[Mapping[str, Cell]]:
    for row in frame_rows(report):
        yield {"client_ref": client_ref, **row}
