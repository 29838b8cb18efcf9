"""CASME II: `sub01/EP02_01f/img46.jpg` and one coding sheet."""

from pathlib import Path

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.fixes import Fix, Fixes, missing_apexes
from training.datasets.naming import USUAL, Name, numbered, records_of
from training.datasets.record import Record
from training.datasets.sheet import Row, read_table
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

_NO_APEX = (
    *(29, 35, 43, 45, 51, 53, 60, 117, 118, 126, 136),
    *(147, 155, 168, 170, 177, 202, 203, 234, 237, 238),
)
_APEXES = (
    *(279, 68, 77, 81, 166, 100, 78, 187, 89, 80, 88),
    *(134, 231, 53, 329, 111, 91, 103, 98, 153, 98),
)


def _name(row: Row) -> Name:
    subject, clip = numbered(row, "sub{:02d}"), row.text("clip")
    return Name(subject, clip, (f"{subject}/{clip}",))


def _records(path: Path) -> list[Record]:
    return records_of(read_table(path, USUAL), _name)


def _fixes() -> Fixes:
    by_index = missing_apexes(_NO_APEX, _APEXES)
    by_index[60] = Fix(offset=91, estimated_apex=78)
    return Fixes(rows=255, by_index=by_index)


CASME2 = Sheeted(
    Traits(DatasetName.CASME2, people="casme2", fps=200),
    sheets=("CASME2-coding-*.xlsx",),
    frames=(
        FrameRoot("CASME2?RAW*", r"sub\d{2}", "*/*"),
        FrameRoot("Cropped*", r"sub\d{2}", "*/*"),
    ),
    records=_records,
    fixes=_fixes(),
)
