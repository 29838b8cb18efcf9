"""Generated samples on disk: shards that depend on nothing but split and number, made once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from training.processes import CORES, process_pool

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of sample. `record` is a dataclass of arrays with one row per sample."""

    name: str
    rows: int
    """Samples in a shard."""
    record: type[T]
    generate: Callable[[str, Sequence[tuple[int, Path]]], None]
    """Writes the numbered shards of a split; a module's function, since other processes call it."""


def load(kind: Kind[T], folder: Path, split: str, count: int) -> T:
    """The first `count` samples of a split; generates the shards that are missing on all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(-(-count // kind.rows))
    files = [folder / f"{kind.name}-{split}-{number:03d}.npz" for number in numbers]
    missing = [(number, file) for number, file in enumerate(files) if not file.exists()]
    if missing:
        with process_pool() as pool:
            shares = [missing[core::CORES] for core in range(CORES)]
            list(pool.map(kind.generate, [split] * CORES, shares))
    columns: dict[str, list[npt.NDArray[np.generic]]] = {
        field.name: [] for field in fields(kind.record)
    }
    for file in files:
        with np.load(file) as arrays:
            for name, column in columns.items():
                column.append(arrays[name])
    return kind.record(**{name: np.concatenate(c)[:count] for name, c in columns.items()})


def save(record: T, file: Path) -> None:
    """Write one shard whole, then rename: an interrupted run leaves no half of one."""
    partial = file.with_suffix(".partial.npz")
    np.savez(partial, **{field.name: getattr(record, field.name) for field in fields(record)})
    partial.replace(file)
