"""Known mistakes of published sheets, put right by the row's index below the header.

The numbers are those the MEB benchmark publishes: offsets that disagree with the folders, and
apexes estimated from optical flow where the coders gave none. They fit the whole published sheet
only, so nothing is put right in a sheet of another length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from training.datasets.action_units import parse
from training.datasets.record import Record


@dataclass(frozen=True, slots=True)
class Fix:
    """What a row should say; None leaves the cell.

    What others estimated gives way to what was coded: an apex that is there, and units without an
    `or`, stay.
    """

    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    estimated_apex: int | None = None
    decided_aus: str | None = None

    def of(self, record: Record) -> Record:
        """The row put right."""
        coded = record.apex if self.apex is None else self.apex
        undecided = self.decided_aus is not None and parse(record.aus).unread
        return replace(
            record,
            onset=record.onset if self.onset is None else self.onset,
            apex=self.estimated_apex if coded is None else coded,
            offset=record.offset if self.offset is None else self.offset,
            aus=self.decided_aus or "" if undecided else record.aus,
        )


@dataclass(frozen=True, slots=True)
class Fixes:
    """All fixes of one sheet of `rows` rows; `swapped` rows carry each other's action units."""

    rows: int = 0
    by_index: Mapping[int, Fix] = field(default_factory=dict)
    swapped: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.by_index or self.swapped)

    def applied(self, records: list[Record]) -> Iterator[tuple[Record, Record]]:
        """Each row as in the sheet, and put right."""
        coding = {record.index: record.aus for record in records}
        other = {a: b for pair in self.swapped for a, b in (pair, pair[::-1])}
        for record in records:
            fixed = self.by_index.get(record.index, Fix()).of(record)
            partner = other.get(record.index)
            if partner is not None:
                fixed = replace(fixed, aus=coding[partner])
            yield record, fixed


def missing_apexes(rows: tuple[int, ...], apexes: tuple[int, ...]) -> dict[int, Fix]:
    """Fixes that give rows without an apex one."""
    return {row: Fix(estimated_apex=apex) for row, apex in zip(rows, apexes, strict=True)}
