"""Tables out of .xlsx files: the header is looked for, and every damage has its own kind.

Sheets of the data sets begin with free text, with nothing, or with data; columns are found by
name wherever they stand, with capitals, blanks and underscores disregarded.
"""

import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from training.datasets.finding import Kind

Columns = Mapping[str, tuple[str, ...]]
"""Field to the names its column may have."""
Grid = list[tuple[object, ...]]

_HEADER_WITHIN = 30
# What openpyxl, zipfile and zlib raise on files that are no workbooks, or broken ones: all of these
# arise on workbooks with bytes or parts changed at random.
_UNREADABLE = (
    *(OSError, EOFError, BadZipFile, zlib.error, InvalidFileException),
    *(ValueError, TypeError, LookupError, AttributeError, SyntaxError, RuntimeError),
)


class SheetError(Exception):
    """A sheet that cannot be used; `kind` says why."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header: `index` counts from 0 there, `number` is the spreadsheet's own."""

    index: int
    number: int
    cells: Mapping[str, object]

    def text(self, field: str) -> str:
        """The cell as text; a missing cell is empty, 3.0 is `3`."""
        return as_text(self.cells[field])

    def whole(self, field: str) -> int | None:
        """The cell as a whole number; None for empty cells, NaN, `/` and other text."""
        return as_whole(self.cells[field])


def as_text(cell: object) -> str:
    """A cell as a person reads it."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def as_whole(cell: object) -> int | None:
    """A cell as a whole number, or None."""
    text = as_text(cell)
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def read_grids(path: Path) -> dict[str, Grid]:
    """All sheets of a workbook, without a header. Raises SheetError."""
    try:
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            return {
                sheet.title: [tuple(row) for row in sheet.iter_rows(values_only=True)]
                for sheet in book.worksheets
            }
    except _UNREADABLE as exc:
        raise SheetError(Kind.UNREADABLE_SHEET, f"{type(exc).__name__}: {exc}") from exc


def read_table(path: Path, columns: Columns) -> list[Row]:
    """Rows of the first sheet with all `columns`. Raises SheetError, telling the missing ones."""
    missing: list[str] | None = None
    for grid in read_grids(path).values():
        for number, cells in enumerate(grid[:_HEADER_WITHIN], start=1):
            places = _places(cells, columns)
            if len(places) == len(columns):
                return list(_rows(grid, number, places))
            lacking = [names[0] for field, names in columns.items() if field not in places]
            if missing is None or len(lacking) < len(missing):
                missing = lacking
    told = ", ".join(missing or [names[0] for names in columns.values()])
    raise SheetError(Kind.WRONG_COLUMNS, f"no column {told}")


def read_positions(grid: Grid, fields: Sequence[str], *, header: bool) -> list[Row]:
    """Rows of a sheet whose columns are known by their places, one of them `onset`.

    Raises:
        SheetError: The sheet is too narrow, or no onset is a number.
    """
    width = max((len(cells) for cells in grid), default=0)
    if width < len(fields):
        raise SheetError(Kind.WRONG_COLUMNS, f"{width} columns instead of {len(fields)}")
    places = {field: place for place, field in enumerate(fields)}
    rows = list(_rows(grid, int(header), places))
    if rows and all(row.whole("onset") is None for row in rows):
        place = places["onset"] + 1
        raise SheetError(Kind.WRONG_COLUMNS, f"no number in column {place}, where onsets belong")
    return rows


def _places(cells: Sequence[object], columns: Columns) -> dict[str, int]:
    heads: dict[str, int] = {}
    for place, cell in enumerate(cells):
        heads.setdefault(_plain(as_text(cell)), place)
    return {
        field: heads[_plain(name)]
        for field, names in columns.items()
        for name in names[::-1]
        if _plain(name) in heads
    }


def _rows(grid: Grid, header_rows: int, places: Mapping[str, int]) -> Iterator[Row]:
    for index, cells in enumerate(grid[header_rows:]):
        padded = {f: cells[place] if place < len(cells) else None for f, place in places.items()}
        if any(as_text(cell) for cell in padded.values()):
            yield Row(index, header_rows + index + 1, padded)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
