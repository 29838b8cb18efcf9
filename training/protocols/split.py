"""Splits that refuse to leak: no person on two sides, nothing learnt or multiplied beforehand.

Pool -> Fold(train, validation, test). Whatever learns from clips takes a Part and asks its role
(`fitting.py`), so statistics, copies and choices of epochs can only come from the right one.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from training.protocols.sample import Sample


class LeakError(ValueError):
    """Something would let the test clips, or their people, into training."""


class Role(StrEnum):
    """What a part of a fold is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class StepKind(StrEnum):
    """What may have been done to clips before they are split."""

    PER_CLIP = "per-clip"
    """Looks at one clip alone: decoding, alignment, its own statistics."""
    NORMALISED = "normalised"
    """With statistics over clips."""
    AUGMENTED = "augmented"
    """Changed or multiplied copies."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to the clips of a pool."""

    kind: StepKind
    name: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Samples of a protocol before any split, with what was done to them.

    Raises:
        LeakError: A step looked at more than one clip at a time, or a clip is in twice.
    """

    samples: tuple[Sample, ...]
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        for step in self.steps:
            if step.kind is not StepKind.PER_CLIP:
                raise LeakError(f"{step.name} ({step.kind}) before the split: do it on Fold.train")
        _refuse_repeats("clip", (sample.clip.clip_id for sample in self.samples))
        folders = (sample.clip.path for sample in self.samples)
        spans = (
            (str(folder), sample.clip.onset)
            for folder, sample in zip(folders, self.samples, strict=True)
            if folder is not None
        )
        _refuse_repeats("clip in one folder from one onset", spans)

    @property
    def subjects(self) -> tuple[str, ...]:
        """People, sorted."""
        return tuple(sorted({sample.clip.subject for sample in self.samples}))

    def of(self, subjects: Collection[str]) -> tuple[Sample, ...]:
        """Samples of these people."""
        return tuple(sample for sample in self.samples if sample.clip.subject in subjects)


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a fold."""

    fold: str
    role: Role
    samples: tuple[Sample, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """Its people."""
        return frozenset(sample.clip.subject for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Fold:
    """Train, validation and test without a person in common; validation may be empty.

    Raises:
        LeakError: Two sides share a person, or a side has the wrong role or fold.
        ValueError: Train or test is empty.
    """

    name: str
    train: Part
    validation: Part
    test: Part

    def __post_init__(self) -> None:
        sides = {Role.TRAIN: self.train, Role.VALIDATION: self.validation, Role.TEST: self.test}
        for role, part in sides.items():
            if part.role is not role or part.fold != self.name:
                raise LeakError(f"{part.role} of fold {part.fold} as {role} of {self.name}")
        for one, other in ((0, 1), (0, 2), (1, 2)):
            _refuse_shared(list(sides.values())[one], list(sides.values())[other])
        if not self.train.samples or not self.test.samples:
            raise ValueError(f"fold {self.name} has nothing to train on or nothing to test")

    @classmethod
    def of(
        cls, name: str, pool: Pool, test: Collection[str], validation: Collection[str] = ()
    ) -> "Fold":
        """Split by people: `test` and `validation` are theirs, training takes all others."""
        shared = sorted(set(test) & set(validation))
        if shared:
            raise LeakError(f"{', '.join(shared)} in validation and test of fold {name}")
        rest = set(pool.subjects) - set(test) - set(validation)
        return cls(
            name,
            Part(name, Role.TRAIN, pool.of(rest)),
            Part(name, Role.VALIDATION, pool.of(validation)),
            Part(name, Role.TEST, pool.of(test)),
        )


def _refuse_shared(one: Part, other: Part) -> None:
    shared = sorted(one.subjects & other.subjects)
    if shared:
        people = ", ".join(shared)
        raise LeakError(f"{people} in {one.role} and {other.role} of fold {one.fold}")


def _refuse_repeats(what: str, keys: Iterable[object]) -> None:
    again = [str(key) for key, times in Counter(keys).items() if times > 1]
    if again:
        raise LeakError(f"the same {what} more than once before the split: {again[0]}")
