"""What an adapter brings back, and what all adapters are told and asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from training.datasets.clip import ClipRow, DatasetName
from training.datasets.finding import Finding, Kind
from training.datasets.tree import Tree


@dataclass(slots=True)
class Reading:
    """Clips and findings of one data set; `present` tells whether any part of it was there."""

    dataset: DatasetName
    present: bool = False
    clips: list[ClipRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def note(self, kind: Kind, where: str, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, self.dataset, where, detail))


class Adapter(Protocol):
    """Reads one data set out of a folder; damage becomes findings, never an exception."""

    @property
    def dataset(self) -> DatasetName:
        """Which one."""

    @property
    def sheets(self) -> Sequence[str]:
        """Patterns of its sheets' names; empty where labels are in the folders."""

    def read(self, tree: Tree) -> Reading:
        """All clips that the folder and its sheets tell of."""
