"""Which clips are submitted: those below a folder, or those a CSV or JSONL file lists."""

import csv
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.client.calls import speakable
from service.client.errors import ClientError
from service.schemas import ClientRef, RecognizeOptions, Tag

SUFFIXES = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi", ".zip"})
TAG_SEPARATOR = ";"


class ManifestError(ClientError):
    """What was named lists no clips that could be submitted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip. `options` carry its `client_ref`, and what differs from clip to clip."""

    path: Path
    client_ref: str
    options: RecognizeOptions


class _Row(BaseModel):
    """A line of a manifest; other columns are the caller's own business."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str = Field(min_length=1)
    client_ref: ClientRef | None = None
    fps: float | None = None
    recognizer: str | None = None
    tags: list[Tag] = []

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A CSV cell holds one text."""
        if not isinstance(value, str):
            return value
        return [tag.strip() for tag in value.split(TAG_SEPARATOR) if tag.strip()]


def read_manifest(source: Path, defaults: RecognizeOptions) -> list[Entry]:
    """The clips of a folder or a manifest, in a stable order; `defaults` hold where a row is mute.

    Raises:
        ManifestError: There are none, a line is not valid, or two have the same `client_ref`.
    """
    rows = _rows_of_folder(source) if source.is_dir() else _rows_of_file(source)
    folder = source if source.is_dir() else source.parent
    entries = [_entry(row, folder, defaults) for row in rows]
    if not entries:
        raise ManifestError(f"{source}: no clips ({', '.join(sorted(SUFFIXES))})")
    counts = Counter(entry.client_ref for entry in entries)
    if twice := [client_ref for client_ref, count in counts.items() if count > 1]:
        raise ManifestError(f"{source}: {twice[0]!r} stands there more than once as client_ref")
    return entries


def digest(entries: Sequence[Entry]) -> str:
    """What the submission is about: SHA-256 over every clip's reference and options."""
    sha256 = hashlib.sha256()
    for entry in entries:
        sha256.update(entry.options.model_dump_json(exclude_unset=True).encode() + b"\n")
    return sha256.hexdigest()


def _entry(row: _Row, folder: Path, defaults: RecognizeOptions) -> Entry:
    client_ref = row.client_ref or speakable(Path(row.path).as_posix())
    told = {
        "client_ref": client_ref,
        "fps": row.fps,
        "recognizer": row.recognizer,
        "tags": row.tags or None,
    }
    # A video states its own rate: a rate for all is meant for archives.
    unasked = {"tags"} if Path(row.path).suffix.lower() == ".zip" else {"tags", "fps"}
    own = {name: value for name, value in told.items() if value is not None}
    try:
        options = RecognizeOptions.model_validate(
            {**defaults.model_dump(exclude_unset=True, exclude=unasked), **own}
        )
    except ValidationError as exc:
        raise ManifestError(f"{row.path}: {_first(exc)}") from exc
    return Entry(folder / row.path, client_ref, options)


def _rows_of_folder(folder: Path) -> Iterator[_Row]:
    """Everything with an accepted suffix, sorted; hidden files and folders are passed over."""
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place).stat()
        # A link to a folder above would be walked for ever.
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                # Unvalidated: the file system may hold names that are no Unicode.
                yield _Row.model_construct(path=str((Path(place) / name).relative_to(folder)))


def _rows_of_file(path: Path) -> Iterator[_Row]:
    readers = {".csv": _csv_lines, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ManifestError(f"{path}: a manifest is a folder or a .csv or .jsonl file")
    try:
        for number, fields in reader(path):
            yield _row(fields, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ManifestError(f"{path}: {exc}") from exc


def _row(fields: object, place: str) -> _Row:
    try:
        return _Row.model_validate(fields)
    except ValidationError as exc:
        raise ManifestError(f"{place}: {_first(exc)}") from exc


def _csv_lines(path: Path) -> Iterator[tuple[int, object]]:
    # Spreadsheets begin UTF-8 files with a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for fields in reader:
            yield reader.line_num, {name: cell for name, cell in fields.items() if name and cell}


def _json_lines(path: Path) -> Iterator[tuple[int, object]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as exc:
                raise ManifestError(f"{path}, line {number}: {exc}") from exc


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
