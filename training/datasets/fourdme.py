"""4DME, its gray-scale part: `gray_micro/{sub_ID}/{fold_name}/`, emotions like `A+B`."""

from pathlib import Path

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.fixes import Fixes
from training.datasets.naming import USUAL, Name, records_of
from training.datasets.record import Record
from training.datasets.sheet import Columns, Row, read_table
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

_COLUMNS: Columns = {
    **USUAL,
    "subject": ("sub_ID",),
    "clip": ("fold_name",),
    "emotion": ("Emotion",),
    "aus": ("AUs",),
}


def _name(row: Row) -> Name:
    subject, clip = row.text("subject"), row.text("clip")
    return Name(subject, clip, (f"{subject}/{clip}",))


def _records(path: Path) -> list[Record]:
    return records_of(read_table(path, _COLUMNS), _name)


FOURDME = Sheeted(
    Traits(DatasetName.FOURDME, people="4dme", fps=60),
    sheets=("4DME_Labelling_Micro*.xlsx",),
    frames=(FrameRoot("gray_micro", r".+", "*/*"), FrameRoot("gray_micro_crop", r".+", "*/*")),
    records=_records,
    fixes=Fixes(rows=267, swapped=((144, 145),)),
)
