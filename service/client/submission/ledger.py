"""The output folder: which batch it belongs to, and one line per clip that is done.

Lines are made durable in groups. What a crash takes with it is fetched again: the service keeps
results, and the `cursor` of the last line says where to go on.
"""

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from service.client.errors import ClientError
from service.schemas import BatchResult
from worker.contract import AnalysisReport, JobState

REJECTED: Literal["rejected"] = "rejected"
"""Status of a clip that the service did not take, or that could not be read."""

_GROUP_LINES = 64
_GROUP_S = 1.0


class LedgerError(ClientError):
    """The output folder cannot be used."""


class BatchNote(BaseModel):
    """Which batch the folder's results are of, and of what."""

    model_config = ConfigDict(frozen=True)

    batch_id: str
    manifest_sha256: str
    url: str
    created_at: datetime
    clips: int


class Line(BaseModel):
    """One clip that is done. `code` says why there is no result."""

    model_config = ConfigDict(frozen=True)

    client_ref: str
    job_id: str | None
    status: JobState | Literal["rejected"]
    code: str | None = None
    detail: str | None = None
    cursor: str | None = None
    result: AnalysisReport | None = None

    @classmethod
    def of(cls, found: BatchResult) -> Self:
        """What the service said about a job that has ended."""
        return cls(
            client_ref=found.client_ref,
            job_id=found.job_id,
            status=found.status,
            code=found.error.code if found.error else None,
            detail=found.error.detail if found.error else None,
            cursor=found.cursor,
            result=found.result,
        )

    @classmethod
    def rejected(cls, client_ref: str, code: str, detail: str) -> Self:
        """A clip without a job."""
        return cls(client_ref=client_ref, job_id=None, status=REJECTED, code=code, detail=detail)


class _Head(BaseModel):
    """What is needed of a line to go on after it."""

    model_config = ConfigDict(extra="ignore")

    client_ref: str
    status: str
    code: str | None = None
    cursor: str | None = None


class Ledger:
    """Results of one batch in one folder. Open it with `Ledger.locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.cursor: str | None = None
        self._results: BinaryIO | None = None
        self._unsynced = 0
        self._synced_at = time.monotonic()

    @classmethod
    @contextmanager
    def locked(cls, folder: Path) -> Iterator[Self]:
        """The ledger of a folder, made if need be, for one process at a time.

        Raises:
            LedgerError: Another process has it, or its lines are damaged.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise LedgerError(f"another run is writing to {folder}") from exc
            ledger = cls(folder)
            ledger._recover()
            with ledger.results_path.open("ab") as results:
                ledger._results = results
                try:
                    yield ledger
                finally:
                    ledger.sync()
                    ledger._results = None

    @property
    def results_path(self) -> Path:
        """One JSON document per clip and line."""
        return self.folder / "results.jsonl"

    @property
    def note(self) -> BatchNote | None:
        """The batch of this folder; None in a new one."""
        return read_note(self.folder)

    def remember(self, note: BatchNote) -> None:
        """Tie the folder to a batch."""
        write_atomically(self.folder / "batch.json", note.model_dump_json(indent=1))

    def append(self, line: Line) -> None:
        """Add a clip that is done; one that already is, is not written twice."""
        if line.client_ref in self.done or self._results is None:
            return
        self._results.write(line.model_dump_json().encode() + b"\n")
        self._count(line.client_ref, line.status, line.code, line.cursor)
        self._unsynced += 1
        if self._unsynced >= _GROUP_LINES or time.monotonic() - self._synced_at > _GROUP_S:
            self.sync()

    def sync(self) -> None:
        """Make everything appended so far durable."""
        if self._results is None or not self._unsynced:
            return
        self._unsynced = 0
        self._results.flush()
        os.fsync(self._results.fileno())
        self._synced_at = time.monotonic()

    def lines(self) -> Iterator[Line]:
        """All lines, one at a time."""
        self.sync()
        with self.results_path.open("rb") as file:
            for line in file:
                yield Line.model_validate_json(line, extra="ignore")

    def _recover(self) -> None:
        """Count what is there, and cut off a last line that a crash tore."""
        self.results_path.touch()
        with self.results_path.open("r+b") as file:
            end = 0
            while line := file.readline():
                head = _head(line)
                if head is None:
                    # Only the end of a file is torn by a crash.
                    if file.read(1):
                        raise LedgerError(f"{self.results_path} is damaged at byte {end}")
                    file.truncate(end)
                    return
                end += len(line)
                self._count(head.client_ref, head.status, head.code, head.cursor)

    def _count(self, client_ref: str, status: str, code: str | None, cursor: str | None) -> None:
        self.done.add(client_ref)
        self.statuses[status] += 1
        if code is not None:
            self.codes[code] += 1
        self.cursor = cursor or self.cursor


def read_note(folder: Path) -> BatchNote | None:
    """The batch of an output folder; None where there is none."""
    try:
        return BatchNote.model_validate_json((folder / "batch.json").read_bytes(), extra="ignore")
    except FileNotFoundError:
        return None
    except ValidationError as exc:
        raise LedgerError(f"{folder / 'batch.json'} was not written by this command") from exc


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` once it is whole and durable."""
    temporary = path.with_name(f".{path.name}.part")
    yield temporary
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def _head(line: bytes) -> _Head | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return _Head.model_validate_json(line)
    except ValidationError:
        return None
