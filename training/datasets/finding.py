"""What the check has to say about a data set: typed, so that scripts and tests can count it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """An error costs clips, a warning may, a note is for the record."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(StrEnum):
    """Every kind of finding."""

    NOTHING_FOUND = "nothing-found"
    MISSING_SHEET = "missing-sheet"
    OLD_SHEET_FORMAT = "old-sheet-format"
    UNREADABLE_SHEET = "unreadable-sheet"
    SEVERAL_SHEETS = "several-sheets"
    WRONG_COLUMNS = "wrong-columns"
    MISSING_FOLDER = "missing-folder"
    UNREADABLE_FOLDER = "unreadable-folder"
    MISSING_CLIP = "missing-clip"
    EMPTY_CLIP = "empty-clip"
    EXTRA_CLIP = "extra-clip"
    INCOMPLETE_ROW = "incomplete-row"
    DUPLICATE_ROW = "duplicate-row"
    UNKNOWN_EMOTION = "unknown-emotion"
    MISSING_FRAME = "missing-frame"
    MISSING_APEX = "missing-apex"
    FRAME_ORDER = "frame-order"
    FRAME_OUTSIDE = "frame-outside"
    UNREAD_AU = "unread-au"
    FULL_WIDTH_AU = "full-width-au"
    ROW_FIXED = "row-fixed"
    FIXES_NOT_APPLIED = "fixes-not-applied"
    COUNT_DIFFERS = "count-differs"


SEVERITY: Final[Mapping[Kind, Severity]] = {
    Kind.NOTHING_FOUND: Severity.ERROR,
    Kind.MISSING_SHEET: Severity.ERROR,
    Kind.OLD_SHEET_FORMAT: Severity.ERROR,
    Kind.UNREADABLE_SHEET: Severity.ERROR,
    Kind.SEVERAL_SHEETS: Severity.WARNING,
    Kind.WRONG_COLUMNS: Severity.ERROR,
    Kind.MISSING_FOLDER: Severity.ERROR,
    Kind.UNREADABLE_FOLDER: Severity.ERROR,
    Kind.MISSING_CLIP: Severity.ERROR,
    Kind.EMPTY_CLIP: Severity.ERROR,
    Kind.EXTRA_CLIP: Severity.WARNING,
    Kind.INCOMPLETE_ROW: Severity.ERROR,
    Kind.DUPLICATE_ROW: Severity.ERROR,
    Kind.UNKNOWN_EMOTION: Severity.WARNING,
    Kind.MISSING_FRAME: Severity.WARNING,
    Kind.MISSING_APEX: Severity.WARNING,
    Kind.FRAME_ORDER: Severity.WARNING,
    Kind.FRAME_OUTSIDE: Severity.WARNING,
    Kind.UNREAD_AU: Severity.WARNING,
    Kind.FULL_WIDTH_AU: Severity.NOTE,
    Kind.ROW_FIXED: Severity.NOTE,
    Kind.FIXES_NOT_APPLIED: Severity.WARNING,
    Kind.COUNT_DIFFERS: Severity.WARNING,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `where` is a file, folder, row or class; `about` a data set or protocol."""

    kind: Kind
    about: str
    where: str
    detail: str

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return SEVERITY[self.kind]
