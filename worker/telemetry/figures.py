"""What workers count. A job runs in a process of its own, so its figures are summed in Redis.

Every gateway shows the sums. They stay with Redis, whichever worker comes and goes.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

TALLY_KEY: Final = "madv:tally"
"""Redis hash of the sums; see `Tally.counts` for its fields."""
_SEPARATOR: Final = "|"


@dataclass(frozen=True, slots=True)
class Figure:
    """A counter, or with `bounds` a histogram whose buckets end there."""

    name: str
    explains: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 240.0)

OUTCOMES: Final = Figure(
    "madv_worker_attempts",
    "Attempts at jobs by what came of them: succeeded, failed (the clip, by its code), canceled, "
    "error (ours, by its class; tried again) or died (its process was killed or crashed).",
    ("outcome", "code"),
)
STAGES: Final = Figure(
    "madv_worker_stage_seconds", "Duration of a stage of an analysis.", ("stage",), _SECONDS
)
ANALYSES: Final = Figure(
    "madv_worker_analysis_seconds",
    "Duration of a whole successful analysis, from fetching the clip to its report.",
    (),
    _SECONDS,
)
FRAMES: Final = Figure("madv_worker_frames", "Frames decoded in successful analyses.")
INFERENCES: Final = Figure(
    "madv_worker_inference_seconds", "Duration of a call of a model.", ("model",), _SECONDS
)
BATCHES: Final = Figure(
    "madv_worker_batch_size",
    "Rows (frames) in a call of a model.",
    ("model",),
    (1, 2, 4, 8, 16, 32, 64, 128, 256),
)
FIGURES: Final = (OUTCOMES, STAGES, ANALYSES, FRAMES, INFERENCES, BATCHES)


@dataclass(frozen=True, slots=True)
class Count:
    """One sum: `part` is `total`, `sum`, or the position of the bucket it counts."""

    name: str
    part: str
    labels: tuple[str, ...]

    def field(self) -> str:
        """As a field of the hash."""
        return _SEPARATOR.join((self.name, self.part, *self.labels))

    @classmethod
    def of(cls, field: str) -> "Count":
        """What a field of the hash counts."""
        name, part, *labels = field.split(_SEPARATOR)
        return cls(name, part, tuple(labels))


class Tally:
    """Counts of one process, to be added to the sums."""

    def __init__(self) -> None:
        self._counts: defaultdict[Count, float] = defaultdict(float)

    def add(self, figure: Figure, *labels: str, amount: float = 1) -> None:
        """Count on."""
        self._counts[Count(figure.name, "total", labels)] += amount

    def observe(self, figure: Figure, value: float, *labels: str) -> None:
        """Note a value in a histogram."""
        bucket = str(bisect_left(figure.bounds, value))
        self._counts[Count(figure.name, bucket, labels)] += 1
        self._counts[Count(figure.name, "sum", labels)] += value

    def counts(self) -> Mapping[str, float]:
        """Everything counted, by field of the hash."""
        return {count.field(): amount for count, amount in self._counts.items()}


def samples(figure: Figure, sums: Mapping[Count, float]) -> Iterator[tuple[tuple[str, ...], "Sum"]]:
    """What has been summed up of a figure, by its labels."""
    own = {count: amount for count, amount in sums.items() if count.name == figure.name}
    for labels in sorted({count.labels for count in own}):
        parts = {count.part: amount for count, amount in own.items() if count.labels == labels}
        buckets = [parts.get(str(at), 0.0) for at in range(len(figure.bounds) + 1)]
        yield labels, Sum(parts.get("total", 0.0), buckets, parts.get("sum", 0.0))


@dataclass(frozen=True, slots=True)
class Sum:
    """Of a counter the `total`, of a histogram how many fell in each bucket and their `sum`."""

    total: float
    buckets: list[float]
    sum: float
