"""MMEW: `Micro_Expression/{emotion}/{clip}/1.jpg`, and a sheet beside it."""

from pathlib import Path

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.fixes import Fix, Fixes
from training.datasets.naming import USUAL, Name, numbered, records_of
from training.datasets.record import Record
from training.datasets.sheet import Row, read_table
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

_ROWS = (33, 35, 36, 37, 38, 39, 40, 41, 42, 142, 143, 145, 146, 148, 154, 156)
_APEXES = (40, 15, 46, 20, 25, 20, 23, 28, 32, 56, 32, 27, 22, 29, 31, 38)
_OFFSETS = (75, 54, 59, 98, 80, 93, 58, 61, 68, 88, 80, 85, 61, 108, 72, 106)


def _name(row: Row) -> Name:
    subject, clip, emotion = numbered(row, "{:02d}"), row.text("clip"), row.text("emotion")
    return Name(subject, clip, (f"{emotion}/{clip}", f"{emotion.lower()}/{clip}"))


def _records(path: Path) -> list[Record]:
    return records_of(read_table(path, USUAL), _name)


def _fixes() -> Fixes:
    by_index = {
        row: Fix(apex=apex, offset=offset)
        for row, apex, offset in zip(_ROWS, _APEXES, _OFFSETS, strict=True)
    }
    return Fixes(rows=300, by_index=by_index)


MMEW = Sheeted(
    Traits(DatasetName.MMEW, people="mmew", fps=90),
    sheets=("MMEW_Micro_Exp*.xlsx",),
    frames=(FrameRoot("Micro_Expression", r"[A-Za-z]+", "*/*"),),
    records=_records,
    fixes=_fixes(),
)
