"""CAS(ME)2: long films in `rawpic/s15/15_0101disgustingteeth/`, three sheets without headers.

The first sheet codes expressions, `naming rule1` leads from participants to `sXX`, `naming rule2`
from the names of films to their four digits. Micro-expressions alone are read.
"""

from pathlib import Path
from typing import Final

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.finding import Kind
from training.datasets.naming import Name, records_of
from training.datasets.record import Record
from training.datasets.sheet import Grid, Row, SheetError, as_text, read_grids, read_positions
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

_FIELDS: Final = (
    ("participant", "clip", "onset", "apex", "offset", "aus", "emotion", "type", "reported")
)  # fmt: skip
_PEOPLE, _FILMS = "naming rule1", "naming rule2"
_CODE_DIGITS: Final = 4


def _records(path: Path) -> list[Record]:
    grids = read_grids(path)
    for name in (_PEOPLE, _FILMS):
        if name not in grids:
            raise SheetError(Kind.MISSING_SHEET, f"no sheet {name!r} in {path.name}")
    people = _pairs(grids[_PEOPLE], key=2, value=1)
    films = _pairs(grids[_FILMS], key=1, value=0)
    coding = next(grid for name, grid in grids.items() if name not in (_PEOPLE, _FILMS))
    rows = read_positions(coding, _FIELDS, header=False)
    micro = [_closed(row) for row in rows if row.text("type").casefold().startswith("micro")]
    return records_of(micro, lambda row: _name(row, people, films))


def _closed(row: Row) -> Row:
    """An offset of 0 was not coded: the apex is the last frame known."""
    if row.whole("offset") == 0:
        return Row(row.index, row.number, {**row.cells, "offset": row.cells["apex"]})
    return row


def _name(row: Row, people: dict[str, str], films: dict[str, str]) -> Name:
    clip = row.text("clip")
    subject = people.get(row.text("participant"), "")
    code = films.get(clip.rpartition("_")[0], "").zfill(_CODE_DIGITS)
    return Name(subject, clip, (f"{subject}/{subject.removeprefix('s')}_{code}*",))


def _pairs(grid: Grid, *, key: int, value: int) -> dict[str, str]:
    wide = (cells for cells in grid if len(cells) > max(key, value))
    return {as_text(cells[key]): as_text(cells[value]) for cells in wide}


CASME_SQ = Sheeted(
    Traits(DatasetName.CASME_SQ, people="casme-sq", fps=30),
    sheets=("CAS(ME)^2code_final*.xlsx",),
    frames=(FrameRoot("rawpic", r"s\d{2}"),),
    records=_records,
)
