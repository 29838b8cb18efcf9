"""AU traces as Parquet, with the column names of OpenFace and the types they deserve.

pyarrow is imported when a table is made: it takes a while, and it loads NumPy where there is one,
which the gateway has no other use for.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from service.openface import FIXED_COLUMNS, face_rows, is_tracked
from worker.contract import AnalysisReport, FrameRow

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA_TYPE = "application/vnd.apache.parquet"

Cell = str | int | float | None

_TYPES: Mapping[str, str] = {
    "frame": "int32",
    "face_id": "int32",
    "timestamp": "float64",
    "confidence": "float32",
    "success": "int8",
}


def parquet_of(report: AnalysisReport) -> bytes:
    """One row per decoded frame and face, as in the CSV; what was not measured is null.

    The schema's metadata say what the numbers are: `madv.schema`, `madv.scale`, `madv.model`,
    `madv.model_digest`, `madv.preprocess`, `madv.sha256`.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  # see above

    names = report.action_units.names
    schema = frame_schema(names).with_metadata(_metadata(report))
    file = io.BytesIO()
    pq.write_table(table_of(frame_rows(report), schema), file, compression="zstd")
    return file.getvalue()


def frame_schema(action_units: Sequence[str], leading: Mapping[str, str] = {}) -> "pa.Schema":
    """Types by column: `leading` ones (name to type), OpenFace's, then one `_r` per AU."""
    import pyarrow as pa  # noqa: PLC0415  # see above

    fixed = {name: _TYPES[name] for name in FIXED_COLUMNS}
    intensities = {f"{name}_r": "float32" for name in action_units}
    columns = {**leading, **fixed, **intensities}
    return pa.schema([(name, pa.type_for_alias(alias)) for name, alias in columns.items()])


def frame_rows(report: AnalysisReport) -> Iterable[dict[str, Cell]]:
    """The rows of a report, each by column; `frame` counts from 1, `timestamp` is in seconds."""
    columns = [f"{name}_r" for name in report.action_units.names]
    for face_id, row in face_rows(report):
        yield {**_fixed(face_id, row), **dict(zip(columns, row.intensity or (), strict=False))}


def table_of(rows: Iterable[Mapping[str, Cell]], schema: "pa.Schema") -> "pa.Table":
    """Rows as a table; what a row does not have is null."""
    import pyarrow as pa  # noqa: PLC0415  # see above

    return pa.Table.from_pylist(list(rows), schema=schema)


def _fixed(face_id: int, row: FrameRow) -> dict[str, Cell]:
    return {
        "frame": row.index + 1,
        "face_id": face_id,
        "timestamp": row.pts_s,
        "confidence": row.confidence,
        "success": int(is_tracked(row)),
    }


def _metadata(report: AnalysisReport) -> dict[str, str]:
    return {
        "madv.schema": report.schema_,
        "madv.scale": report.action_units.scale,
        "madv.model": f"{report.model.name} {report.model.version}",
        "madv.model_digest": report.model.digest,
        "madv.preprocess": report.model.preprocess,
        "madv.sha256": report.clip.sha256,
    }
