"""Scores over the predictions of all folds together: never a mean of scores of folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.datasets.clip import DatasetName
from training.metrics import (
    Labels,
    accuracy,
    confusion_matrix,
    macro_f1_eq30,
    uar,
    uf1,
)
from training.protocols.sample import Sample
from training.protocols.split import Fold, LeakError, Pool


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the clips of one data set, or of all. `confusion` counts [truth, estimate]."""

    clips: int
    uf1: float
    uar: float
    accuracy: float
    macro_f1_eq30: float
    confusion: tuple[tuple[int, ...], ...]


class Predictions:
    """Collects one prediction per clip of a pool, fold by fold."""

    def __init__(self, pool: Pool, classes: Sequence[str]) -> None:
        self._pool = pool
        self._classes = tuple(classes)
        self._estimates: dict[str, str] = {}
        strange = {sample.label for sample in pool.samples} - set(classes)
        if strange:
            raise ValueError(f"labels {sorted(strange)} are none of {self._classes}")

    def add(self, fold: Fold, labels: Sequence[str]) -> None:
        """Predictions for `fold.test`, in its order.

        Raises:
            LeakError: The fold was scored before: keeping the better run would choose on test.
            ValueError: Not one known label per test clip.
        """
        samples = fold.test.samples
        if len(labels) != len(samples) or not set(labels) <= set(self._classes):
            raise ValueError(f"fold {fold.name} wants {len(samples)} labels of {self._classes}")
        for sample, label in zip(samples, labels, strict=True):
            clip = sample.clip.clip_id
            if clip in self._estimates:
                raise LeakError(f"{clip} was predicted before: test clips are scored once")
            self._estimates[clip] = label

    def scores(self) -> Scores:
        """Over all clips. Raises ValueError while clips of the pool have no prediction."""
        return self._score(self._pool.samples)

    def scores_of(self, dataset: DatasetName) -> Scores:
        """Over the clips of one data set of a composite."""
        return self._score(tuple(s for s in self._pool.samples if s.clip.dataset is dataset))

    def _score(self, samples: Sequence[Sample]) -> Scores:
        missing = [s.clip.clip_id for s in samples if s.clip.clip_id not in self._estimates]
        if missing or not samples:
            told = missing[0] if missing else "the data set"
            raise ValueError(f"no prediction for {told} ({len(missing)} of {len(samples)} missing)")
        truth = self._numbers([sample.label for sample in samples])
        estimate = self._numbers([self._estimates[sample.clip.clip_id] for sample in samples])
        count = len(self._classes)
        return Scores(
            clips=len(samples),
            uf1=uf1(truth, estimate, count),
            uar=uar(truth, estimate, count),
            accuracy=accuracy(truth, estimate),
            macro_f1_eq30=macro_f1_eq30(truth, estimate, count),
            confusion=tuple(map(tuple, confusion_matrix(truth, estimate, count).tolist())),
        )

    def _numbers(self, labels: Sequence[str]) -> Labels:
        return np.array([self._classes.index(label) for label in labels], dtype=np.int64)
