"""DFME: `DFME_train/{clip}/00001.png` and a sheet per part, its columns known by their places.

The parts were filmed at 500, 300 and 200 frames a second, and nothing read here says which clip
belongs to which: `fps` stays unknown.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.finding import Kind
from training.datasets.naming import Name, records_of
from training.datasets.reading import Reading
from training.datasets.record import Record
from training.datasets.sheet import Row, SheetError, read_grids, read_positions
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot, Tree

_FIELDS: Final = ("subject", "clip", "onset", "apex", "offset", "emotion", "aus")
_SHEET: Final = "Sheet1"


def _records(path: Path) -> list[Record]:
    grids = read_grids(path)
    if _SHEET not in grids:
        raise SheetError(Kind.MISSING_SHEET, f"no sheet {_SHEET!r} in {path.name}")
    return records_of(read_positions(grids[_SHEET], _FIELDS, header=True), _name)


def _name(row: Row) -> Name:
    subject, clip = row.text("subject"), row.text("clip")
    return Name(subject, clip, (clip,))


def _part(sheet: str, folder: str) -> Sheeted:
    return Sheeted(
        Traits(DatasetName.DFME, people="dfme", fps=None),
        sheets=(sheet,),
        frames=(FrameRoot(folder, r".+"),),
        records=_records,
    )


@dataclass(frozen=True, slots=True)
class Dfme:
    """The official parts, each with its own sheet and folder; those that are there are read."""

    parts: tuple[Sheeted, ...] = (
        _part("*training_full_with_AU*.xlsx", "DFME_train"),
        _part("*DFME_test_A*.xlsx", "DFME_test_A"),
        _part("*DFME_test_B*.xlsx", "DFME_test_B"),
    )
    dataset: DatasetName = DatasetName.DFME

    @property
    def sheets(self) -> tuple[str, ...]:
        """Of all parts."""
        return tuple(pattern for part in self.parts for pattern in part.sheets)

    def read(self, tree: Tree) -> Reading:
        """All clips of all parts."""
        reading = Reading(self.dataset)
        for part in self.parts:
            found = part.read(tree)
            reading.present |= found.present
            reading.clips += found.clips
            reading.findings += found.findings
        return reading


DFME = Dfme()
