from collections.abc import Callable

import pytest

from training.datasets.clip import DatasetName
from training.protocols.folds import cross_dataset, loso
from training.protocols.sample import Sample
from training.protocols.split import Fold, Pool

MakeSample = Callable[..., Sample]


def people(fold: Fold) -> set[str]:
    return {*fold.train.subjects, *fold.validation.subjects, *fold.test.subjects}


def test_loso_tests_every_person_once_and_trains_on_all_others(pool: Pool) -> None:
    folds = list(loso(pool, validation_share=0.25, seed=7))

    assert [fold.name for fold in folds] == list(pool.subjects)
    for fold in folds:
        assert fold.test.subjects == {fold.name}
        assert people(fold) == set(pool.subjects)
        assert len(fold.validation.subjects) == 2


def test_loso_is_the_same_for_the_same_seed(pool: Pool) -> None:
    first, second, third = (
        [fold.validation.subjects for fold in loso(pool, validation_share=0.25, seed=seed)]
        for seed in (7, 7, 8)
    )
    assert first == second != third


def test_loso_without_validation(pool: Pool) -> None:
    assert all(not fold.validation.samples for fold in loso(pool, validation_share=0, seed=1))


def test_cross_dataset_trains_on_one_and_tests_on_another(sample: MakeSample) -> None:
    casme2 = tuple(sample(f"casme2:sub{n:02d}") for n in range(1, 6))
    samm = tuple(sample(f"samm:{n:03d}", dataset=DatasetName.SAMM) for n in (6, 7))
    left_out = sample("mmew:01", dataset=DatasetName.MMEW)

    fold = cross_dataset(
        Pool((*casme2, *samm, left_out)),
        {DatasetName.CASME2},
        {DatasetName.SAMM},
        validation_share=0.2,
        seed=1,
    )

    assert fold.name == "casme2 to samm"
    assert fold.test.samples == samm
    assert len(fold.train.samples) == 4
    assert {*fold.train.samples, *fold.validation.samples} == set(casme2)


def test_a_fold_needs_something_to_train_on_and_to_test(pool: Pool) -> None:
    with pytest.raises(ValueError, match="nothing"):
        Fold.of("all", pool, test=pool.subjects)
    with pytest.raises(ValueError, match="nothing"):
        Fold.of("none", pool, test={"casme2:sub99"})
