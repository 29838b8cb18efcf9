"""Lines of the audit log. Each carries the hash of the one before, and nothing of any clip.

acts ──► Redis stream, in the step that does them ──► segments of sealed lines in a store
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

GENESIS: Final = "0" * 64
"""What the first line carries as the hash of the one before."""


class Action(StrEnum):
    """What is written down."""

    SUBMIT = "submit"
    READ_RESULT = "read-result"
    CANCEL = "cancel"
    DELETE = "delete"
    EXPIRE = "expire"
    CREATE_KEY = "create-key"
    REVOKE_KEY = "revoke-key"


class Act(BaseModel):
    """Somebody did something. `key_id` is empty where the service itself or its operator did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """As Redis named it: later acts have greater ids."""
    at: datetime
    action: Action
    tenant: str
    key_id: str
    subject: str
    """The job or key it was done to."""


class Line(Act):
    """An act in its place: `hash` covers all the rest."""

    seq: int
    """From 1, without gaps."""
    prev: str
    """The hash of the line before."""
    hash: str = ""

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all fields but `hash` as JSON, sorted by name."""
        body = self.model_dump(mode="json", exclude={"hash"})
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class Head(BaseModel):
    """The last line there is; of an empty log, what stands before the first."""

    model_config = ConfigDict(frozen=True)

    seq: int = 0
    hash: str = GENESIS


class Broken(Exception):
    """The log is not as it was written. The message says where and why."""


def chained(head: Head, acts: Iterable[Act]) -> Iterator[Line]:
    """The lines that follow a head."""
    for act in acts:
        line = Line(**dict(act), seq=head.seq + 1, prev=head.hash)
        line = line.model_copy(update={"hash": line.digest()})
        head = Head(seq=line.seq, hash=line.hash)
        yield line


def checked(lines: Iterable[Line]) -> Iterator[Line]:
    """The same lines, each seen to follow the one before. The first may be any.

    Raises:
        Broken: One does not, or is not what its hash covers.
    """
    before: Line | None = None
    for line in lines:
        if line.digest() != line.hash:
            raise Broken(f"line {line.seq}: its hash is that of another line")
        if line.seq == 1 and line.prev != GENESIS:
            raise Broken("line 1: it is not the first that was written")
        if before is not None and line.seq != before.seq + 1:
            raise Broken(f"line {line.seq}: it follows line {before.seq}")
        if before is not None and line.prev != before.hash:
            raise Broken(f"line {line.seq}: it was written after another line {before.seq}")
        before = line
        yield line
