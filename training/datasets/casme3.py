"""CAS(ME)3, parts A and C: `{subject}/{material}/color/{frame}.jpg`, in part A with `depth/`."""

from collections import Counter
from pathlib import Path

from training.datasets.assembly import Traits
from training.datasets.clip import DatasetName
from training.datasets.fixes import Fix, Fixes
from training.datasets.naming import USUAL, Name, records_of
from training.datasets.record import Record
from training.datasets.sheet import Columns, Row, read_table
from training.datasets.sheeted import Sheeted
from training.datasets.tree import FrameRoot

_COLUMNS_C: Columns = {
    "subject": ("sub",),
    "clip": ("count",),
    "onset": ("onset",),
    "offset": ("offset",),
    "aus": ("au",),
}
_FIXES_A = {
    128: Fix(apex=160),
    708: Fix(offset=34),
    749: Fix(onset=2647),
    750: Fix(onset=1, apex=1),
    796: Fix(offset=1845),
    798: Fix(offset=2403),
}


def _records_a(path: Path) -> list[Record]:
    """One film holds several expressions, so the onset is part of a clip's name."""
    nth: Counter[tuple[str, str]] = Counter()

    def name(row: Row) -> Name:
        subject, material = row.text("subject"), row.text("clip")
        nth[subject, material] += 1
        again = nth[subject, material]
        # Copies cut to the expressions number them from the second on.
        films = (material,) if again == 1 else (material, f"{material}{again}")
        folders = tuple(f"{subject}/{film}/color" for film in films)
        return Name(subject, material and f"{material}@{row.text('onset')}", folders)

    return records_of(read_table(path, USUAL), name)


def _records_c(path: Path) -> list[Record]:
    def name(row: Row) -> Name:
        subject, count = row.text("subject"), row.text("clip")
        folders = tuple(f"{s}/{count}/color" for s in dict.fromkeys((subject, subject.zfill(2))))
        return Name(subject.zfill(2) if subject else "", count, folders)

    return records_of(read_table(path, _COLUMNS_C), name)


CASME3_A = Sheeted(
    Traits(DatasetName.CASME3_A, people="casme3", fps=30),
    sheets=("cas(me)3_part_A_ME_label*.xlsx",),
    frames=(FrameRoot("ME_A", r"spNO\.\d+"), FrameRoot("part_A*", r"spNO\.\d+")),
    records=_records_a,
    fixes=Fixes(rows=860, by_index=_FIXES_A),
)
CASME3_C = Sheeted(
    Traits(DatasetName.CASME3_C, people="casme3", fps=30, has_apex=False, has_emotion=False),
    sheets=("CAS(ME)3_part_C_ME*.xlsx",),
    frames=(FrameRoot("ME_C", r"\d+"),),
    records=_records_c,
)
