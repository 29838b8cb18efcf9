"""What was logged of the synthetic table, kept with the code: the table without a training."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from training.benchmark.manifest import Manifest
from training.reproduce.figures import Figures

FILE: Final = Path(__file__).with_name("logged.json")


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: the row it belongs to, all that decided its outcome, the outcome."""

    name: str
    told: Mapping[str, object]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Record:
    """Runs on one state of the benchmark."""

    manifest: Manifest
    oracle: Figures
    entries: tuple[Entry, ...] = ()
    by_told: dict[str, Figures] = field(default_factory=dict)

    def figures(self, name: str, told: Mapping[str, object]) -> Figures | None:
        """Of the run of that row with exactly that experiment, seed and data; None if unknown."""
        return self.by_told.get(_identity(name, told))


@lru_cache(maxsize=1)
def kept(file: Path = FILE) -> Record | None:
    """The record in a file, if there is one."""
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    entries = tuple(Entry(**entry) for entry in found["runs"])
    by_told = {_identity(entry.name, entry.told): entry.figures for entry in entries}
    manifest = Manifest.model_validate(found["manifest"])
    return Record(manifest, found["oracle"], entries, by_told)


def keep(manifest: Manifest, oracle: Figures, entries: Iterable[Entry], file: Path = FILE) -> None:
    """Write a record over the one in the file."""
    runs = [{"name": entry.name, "told": entry.told, "figures": entry.figures} for entry in entries]
    whole = {"manifest": manifest.model_dump(), "oracle": oracle, "runs": runs}
    file.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    kept.cache_clear()


def _identity(name: str, told: Mapping[str, object]) -> str:
    return json.dumps([name, told], sort_keys=True)
