"""A clip with the class that a protocol gives it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.datasets.clip import ClipRow


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip of the manifest and its class."""

    clip: ClipRow
    label: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Samples per class, and people."""

    classes: Mapping[str, int]
    subjects: int

    @property
    def total(self) -> int:
        """Samples of all classes."""
        return sum(self.classes.values())


def count(samples: Iterable[Sample]) -> Counts:
    """Count samples and people; classes without samples count 0."""
    samples = tuple(samples)
    classes = Counter(sample.label for sample in samples)
    return Counts(classes, len({sample.clip.subject for sample in samples}))
