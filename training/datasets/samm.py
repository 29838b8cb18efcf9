"""SAMM: `006/006_1_2/006_05562.jpg` and a sheet that begins with thirteen lines of text."""

from pathlib import Path

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.fixes import Fix, Fixes, missing_apexes
from training.datasets.naming import USUAL, Name, numbered, records_of
from training.datasets.record import Record
from training.datasets.sheet import Row, read_table
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

# The coders' `or` decided by optical flow.
_DECIDED = {15: "R12 + R15", 18: "R12 + R15", 41: "L14", 64: "R14", 154: "R14A"}


def _name(row: Row) -> Name:
    subject, clip = numbered(row, "{:03d}"), row.text("clip")
    return Name(subject, clip, (f"{subject}/{clip}",))


def _records(path: Path) -> list[Record]:
    return records_of(read_table(path, USUAL), _name)


def _fixes() -> Fixes:
    by_index = missing_apexes((125, 132, 133), (1105, 4945, 5130))
    by_index[56] = Fix(offset=5739)
    by_index |= {row: Fix(decided_aus=units) for row, units in _DECIDED.items()}
    return Fixes(rows=159, by_index=by_index)


SAMM = Sheeted(
    Traits(DatasetName.SAMM, people="samm", fps=200),
    sheets=("SAMM_*Micro_FACS_Codes*.xlsx",),
    frames=(FrameRoot("SAMM", r"\d{3}", "*/*"), FrameRoot("SAMM_CROP*", r"\d{3}", "*/*")),
    records=_records,
    fixes=_fixes(),
)
