"""Every way of letting test clips into training is refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from training.datasets.clip import DatasetName
from training.protocols.fitting import Standardizer, best_epoch, oversampled
from training.protocols.folds import cross_dataset, loso
from training.protocols.pooled import Predictions
from training.protocols.sample import Sample
from training.protocols.split import Fold, LeakError, Part, Pool, Role, Step, StepKind

MakeSample = Callable[..., Sample]
ONE, TWO, THREE = "casme2:sub01", "casme2:sub02", "casme2:sub03"


@pytest.fixture
def fold(pool: Pool) -> Fold:
    return Fold.of("first", pool, test={ONE}, validation={TWO})


def features(part: Part) -> np.ndarray:
    return np.random.default_rng(1).normal(3, 2, (len(part.samples), 4))


def test_a_person_in_train_and_test(fold: Fold) -> None:
    stolen = replace(fold.train, samples=(*fold.train.samples, fold.test.samples[0]))
    with pytest.raises(LeakError, match=r"casme2:sub01 in train and test of fold first"):
        Fold(fold.name, stolen, fold.validation, fold.test)


def test_a_person_in_validation_and_test(pool: Pool) -> None:
    with pytest.raises(LeakError, match=r"casme2:sub01 in validation and test"):
        Fold.of("first", pool, test={ONE}, validation={ONE, TWO})


def test_a_person_in_train_and_validation(fold: Fold) -> None:
    stolen = replace(fold.validation, samples=fold.train.samples[:1])
    with pytest.raises(LeakError, match="in train and validation"):
        Fold(fold.name, fold.train, stolen, fold.test)


def test_another_clip_of_the_same_person_is_no_excuse(fold: Fold, sample: MakeSample) -> None:
    more = replace(fold.train, samples=(*fold.train.samples, sample(ONE, "never seen")))
    with pytest.raises(LeakError):
        Fold(fold.name, more, fold.validation, fold.test)


def test_parts_in_each_other_s_place_or_from_another_fold(fold: Fold, pool: Pool) -> None:
    other = Fold.of("second", pool, test={THREE})
    with pytest.raises(LeakError, match="test of fold first as train"):
        Fold(fold.name, fold.test, fold.validation, fold.train)
    with pytest.raises(LeakError, match="train of fold second"):
        Fold(fold.name, other.train, fold.validation, fold.test)


@pytest.mark.parametrize("kind", [StepKind.NORMALISED, StepKind.AUGMENTED])
def test_normalising_or_augmenting_before_the_split(pool: Pool, kind: StepKind) -> None:
    with pytest.raises(LeakError, match="min-max over all clips"):
        Pool(pool.samples, (Step(kind, "min-max over all clips"),))


def test_steps_on_single_clips_are_fine(pool: Pool) -> None:
    step = Step(StepKind.PER_CLIP, "alignment")
    assert Pool(pool.samples, (step,)).steps == (step,)


def test_oversampling_before_the_split(pool: Pool) -> None:
    with pytest.raises(LeakError, match="more than once"):
        Pool((*pool.samples, pool.samples[0]))


def test_copies_under_new_names_before_the_split(sample: MakeSample, tmp_path: object) -> None:
    original = sample()
    here = original.clip.model_copy(update={"path": tmp_path})
    copied = here.model_copy(update={"clip_id": "casme2:sub01/c1-flipped"})
    with pytest.raises(LeakError, match="one folder"):
        Pool((Sample(here, "negative"), Sample(copied, "negative")))


@pytest.mark.parametrize("side", ["validation", "test"])
def test_statistics_of_anything_but_train(fold: Fold, side: str) -> None:
    part = getattr(fold, side)
    with pytest.raises(LeakError, match="normalisation statistics"):
        Standardizer.fit(part, features(part))


def test_statistics_of_another_fold(fold: Fold, pool: Pool) -> None:
    other = Fold.of("second", pool, test={THREE})
    standardizer = Standardizer.fit(other.train, features(other.train))
    with pytest.raises(LeakError, match="statistics of fold second on fold first"):
        standardizer.apply(fold.test, features(fold.test))


@pytest.mark.parametrize("side", ["validation", "test"])
def test_oversampling_anything_but_train(fold: Fold, side: str) -> None:
    with pytest.raises(LeakError, match="oversampling"):
        oversampled(getattr(fold, side), seed=1)


@pytest.mark.parametrize("side", ["train", "test"])
def test_epochs_chosen_on_anything_but_validation(fold: Fold, side: str) -> None:
    with pytest.raises(LeakError, match="the choice of an epoch"):
        best_epoch(getattr(fold, side), [0.1, 0.9])


def test_the_better_of_two_runs_on_test(fold: Fold, pool: Pool) -> None:
    predictions = Predictions(pool, ("negative", "positive", "surprise"))
    labels = [sample.label for sample in fold.test.samples]
    predictions.add(fold, labels)
    with pytest.raises(LeakError, match="scored once"):
        predictions.add(fold, labels)


def test_the_cameras_of_smic_film_the_same_people(sample: MakeSample) -> None:
    cameras = (DatasetName.SMIC_HS, DatasetName.SMIC_VIS)
    seen = tuple(sample(f"smic:s0{n}", dataset=camera) for camera in cameras for n in (1, 2, 3))
    pool = Pool(seen)

    with pytest.raises(LeakError, match="smic:s01"):
        cross_dataset(pool, cameras[:1], cameras[1:], validation_share=0, seed=1)

    for fold in loso(pool, validation_share=0, seed=1):
        assert len(fold.test.samples) == len(cameras)


def test_what_is_allowed_works(fold: Fold) -> None:
    standardizer = Standardizer.fit(fold.train, features(fold.train))
    standard = standardizer.apply(fold.train, features(fold.train))
    assert standard.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-9)
    assert standard.std(axis=0) == pytest.approx(np.ones(4))
    assert standardizer.apply(fold.test, features(fold.test)).shape == (6, 4)
    assert best_epoch(fold.validation, [0.2, 0.5, 0.5]) == 1


def test_oversampling_levels_the_classes_of_train(fold: Fold) -> None:
    drawn = oversampled(fold.train, seed=1)
    counts = {label: sum(s.label == label for s in drawn) for label in {s.label for s in drawn}}
    assert len(set(counts.values())) == 1
    assert set(drawn) == set(fold.train.samples)


def test_a_fold_without_validation_has_no_epochs_to_choose_from(pool: Pool) -> None:
    fold = Fold.of("bare", pool, test={ONE})
    with pytest.raises(ValueError, match="no validation clips"):
        best_epoch(fold.validation, [0.1])


def test_roles_are_three() -> None:
    assert [role.value for role in Role] == ["train", "validation", "test"]
