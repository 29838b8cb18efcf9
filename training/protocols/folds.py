"""Folds of the protocols: leave one subject out, and train here, test there."""

from collections.abc import Collection, Iterator

from sklearn.model_selection import GroupShuffleSplit, LeaveOneGroupOut

from training.datasets.clip import DatasetName
from training.protocols.split import Fold, LeakError, Pool


def loso(pool: Pool, *, validation_share: float, seed: int) -> Iterator[Fold]:
    """One fold per person, each with validation people of its own out of the rest.

    A share of 0 leaves validation empty, for recipes with a fixed number of epochs.
    """
    groups = [sample.clip.subject for sample in pool.samples]
    for _, test in LeaveOneGroupOut().split(groups, groups=groups):
        subject = groups[test[0]]
        others = sorted(set(groups) - {subject})
        yield Fold.of(subject, pool, {subject}, _held_back(others, validation_share, seed))


def cross_dataset(
    pool: Pool,
    train: Collection[DatasetName],
    test: Collection[DatasetName],
    *,
    validation_share: float,
    seed: int,
) -> Fold:
    """Train on some data sets, test on others. Raises LeakError where they share people."""
    learnt, tested = _subjects(pool, train), _subjects(pool, test)
    shared = sorted(learnt & tested)
    if shared:
        raise LeakError(f"{', '.join(shared)} in data sets of both sides")
    name = f"{'+'.join(sorted(train))} to {'+'.join(sorted(test))}"
    chosen = tuple(s for s in pool.samples if s.clip.dataset in {*train, *test})
    validation = _held_back(sorted(learnt), validation_share, seed)
    return Fold.of(name, Pool(chosen, pool.steps), tested, validation)


def _subjects(pool: Pool, datasets: Collection[DatasetName]) -> set[str]:
    return {s.clip.subject for s in pool.samples if s.clip.dataset in datasets}


def _held_back(subjects: list[str], share: float, seed: int) -> set[str]:
    if share == 0:
        return set()
    splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    _, held = next(splitter.split(subjects, groups=subjects))
    return {subjects[index] for index in held}
