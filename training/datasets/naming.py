"""From rows with the usual columns to records; each data set only says how it names things."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from training.datasets.record import Record
from training.datasets.sheet import Columns, Row, as_whole

USUAL: Final[Columns] = {
    "subject": ("Subject",),
    "clip": ("Filename",),
    "onset": ("OnsetFrame", "Onset"),
    "apex": ("ApexFrame", "Apex"),
    "offset": ("OffsetFrame", "Offset"),
    "emotion": ("Estimated Emotion", "Emotion"),
    "aus": ("Action Units", "AU", "AUs"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A clip's subject, its own name, and where its frames may lie."""

    subject: str
    clip: str
    folders: tuple[str, ...]


def records_of(rows: Iterable[Row], name: Callable[[Row], Name]) -> list[Record]:
    """Records of the rows; a column that the sheet does not have is empty."""
    return [_record(row, name(row)) for row in rows]


def numbered(row: Row, form: str) -> str:
    """The subject in the folders' form (`sub{:02d}`) where the sheet has a bare number."""
    number = as_whole(row.cells["subject"])
    return row.text("subject") if number is None else form.format(number)


def _record(row: Row, name: Name) -> Record:
    def whole(field: str) -> int | None:
        return row.whole(field) if field in row.cells else None

    def text(field: str) -> str:
        return row.text(field) if field in row.cells else ""

    return Record(
        index=row.index,
        number=row.number,
        subject=name.subject,
        clip=name.clip,
        folders=name.folders,
        onset=whole("onset"),
        apex=whole("apex"),
        offset=whole("offset"),
        emotion=text("emotion"),
        aus=text("aus"),
    )
