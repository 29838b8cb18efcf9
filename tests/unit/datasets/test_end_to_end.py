"""From folders and sheets to the scores of a protocol, with a classifier that learns little."""

from collections import Counter
from pathlib import Path

import pytest

from training.datasets.check import check
from training.datasets.clip import DatasetName
from training.protocols.composite import megc2019
from training.protocols.five_class import FIVE_CLASSES, five_class
from training.protocols.folds import cross_dataset, loso
from training.protocols.pooled import Predictions
from training.protocols.sample import Sample
from training.protocols.split import Fold, Pool, Role


def majority(fold: Fold) -> list[str]:
    """The commonest class of train, for every test clip."""
    assert fold.train.role is Role.TRAIN
    (label, _), *_ = Counter(sample.label for sample in fold.train.samples).most_common(1)
    return [label] * len(fold.test.samples)


def leave_one_out(samples: tuple[Sample, ...], classes: tuple[str, ...]) -> Predictions:
    pool = Pool(samples)
    predictions = Predictions(pool, classes)
    for fold in loso(pool, validation_share=0.1, seed=1):
        predictions.add(fold, majority(fold))
    return predictions


def test_the_composite(megc_root: Path) -> None:
    samples = megc2019(check(megc_root).clips)

    predictions = leave_one_out(samples, ("negative", "positive", "surprise"))

    scores = predictions.scores()
    assert (scores.clips, scores.uar) == (442, pytest.approx(1 / 3))
    assert scores.confusion == ((250, 0, 0), (109, 0, 0), (83, 0, 0))
    clips = {name: predictions.scores_of(name).clips for name in FIVE_CLASSES}
    assert clips == {DatasetName.CASME2: 145, DatasetName.SAMM: 133}


@pytest.mark.parametrize(("dataset", "clips"), [("casme2", 246), ("samm", 136)])
def test_five_classes(megc_root: Path, dataset: str, clips: int) -> None:
    name = DatasetName(dataset)
    samples = five_class(check(megc_root).clips, name)

    scores = leave_one_out(samples, FIVE_CLASSES[name]).scores()

    assert scores.clips == clips
    assert scores.uar == pytest.approx(0.2)


def test_across_data_sets(megc_root: Path) -> None:
    pool = Pool(megc2019(check(megc_root).clips))

    fold = cross_dataset(
        pool,
        {DatasetName.CASME2, DatasetName.SMIC_HS},
        {DatasetName.SAMM},
        validation_share=0.2,
        seed=1,
    )

    assert len(fold.test.samples) == 133
    assert len(fold.train.samples) + len(fold.validation.samples) == 145 + 164
