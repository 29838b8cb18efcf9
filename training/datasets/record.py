"""A row of a sheet in the shape all data sets share, before its frames are looked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """What the sheet says of a clip. Frames are numbers as written, None where there is none."""

    index: int
    """Below the header, from 0."""
    number: int
    """The spreadsheet's row, as a person finds it."""
    subject: str
    clip: str
    folders: tuple[str, ...]
    """Where the frames may lie below the root, likeliest first; a closing `*` is any ending."""
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    aus: str
