"""AU traces as CSV with the column names of OpenFace, so that existing scripts read them.

Column names: Baltrusaitis et al., "OpenFace 2.0: Facial Behavior Analysis Toolkit", FG 2018.
There are no `_c` (presence) columns: these models give intensities.
"""

import csv
import io
from collections.abc import Iterator

from worker.contract import AnalysisReport, FrameRow

FIXED_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success")
MAIN_FACE = 0
"""Where only the main face is reported on."""


def csv_of(report: AnalysisReport) -> str:
    """One row per decoded frame and face; `frame` counts from 1, `timestamp` is in seconds.

    Where OpenFace writes zeros for a frame without a face, cells stay empty: pandas reads NaN.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = report.action_units.names
    writer.writerow((*FIXED_COLUMNS, *(f"{name}_r" for name in names)))
    for face_id, row in face_rows(report):
        writer.writerow((*_fixed_cells(face_id, row), *_intensities(row, len(names))))
    return text.getvalue()


def face_rows(report: AnalysisReport) -> Iterator[tuple[int, FrameRow]]:
    """Every row with its face, frame by frame as OpenFace has it."""
    tracks = [face.track_id for face in report.faces] or [MAIN_FACE]
    traces = [face.action_units for face in report.faces] or [report.action_units]
    for rows in zip(*(trace.frames for trace in traces), strict=True):
        yield from zip(tracks, rows, strict=True)


def is_tracked(row: FrameRow) -> bool:
    """Whether the frame's face was analysed: OpenFace's `success`."""
    return row.status in {"ok", "low_confidence"}


def _fixed_cells(face_id: int, row: FrameRow) -> tuple[str, ...]:
    return (
        str(row.index + 1),
        str(face_id),
        f"{row.pts_s:.3f}",
        f"{row.confidence:.2f}",
        str(int(is_tracked(row))),
    )


def _intensities(row: FrameRow, count: int) -> Iterator[str]:
    if row.intensity is None:
        return iter([""] * count)
    return (f"{value:.3f}" for value in row.intensity)
