"""What is asked, without how: one value per HTTP call, the same for both clients."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. Only what may be sent twice is sent again after a lost answer."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    document: BaseModel | None = None
    upload: "Upload | None" = None
    wait_s: float = 0.0
    """How long the service was asked to hold the answer back."""
    deadline: float | None = None
    """When the caller wants to hear no more of it, on the clock of `time.monotonic`."""
    may_repeat: bool = True
    waits_for_readiness: bool = True
    """Whether 429 and 503 are answers to wait for the end of."""

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the caller's deadline; None where there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, slots=True)
class Upload:
    """A clip and the form that goes with it; read from disk while it is sent."""

    clip: Path
    form: Mapping[str, str]

    @property
    def file_name(self) -> str:
        """The clip's name in characters that can be sent, whatever the file system holds."""
        return speakable(self.clip.name)


def path_to(*parts: str) -> str:
    """`/v1/...`, with each part quoted: an id is never more than one segment."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def speakable(name: str) -> str:
    """A file name as valid Unicode: bytes that are none become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def known(params: Mapping[str, str | None]) -> dict[str, str]:
    """Those parameters that have a value."""
    return {name: value for name, value in params.items() if value is not None}
