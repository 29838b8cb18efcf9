from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from training.datasets.clip import DatasetName
from training.protocols.folds import loso
from training.protocols.pooled import Predictions
from training.protocols.sample import Sample
from training.protocols.split import Fold, Pool

MakeSample = Callable[..., Sample]
CLASSES = ("positive", "negative", "surprise")


def test_scores_are_over_all_folds_together_and_agree_with_scikit_learn(pool: Pool) -> None:
    rng = np.random.default_rng(4)
    predictions = Predictions(pool, CLASSES)
    truth: list[str] = []
    estimate: list[str] = []
    of_folds = []
    for fold in loso(pool, validation_share=0, seed=1):
        labels = [sample.label for sample in fold.test.samples]
        guesses = [g if rng.random() < 0.5 else rng.choice(CLASSES) for g in labels]
        predictions.add(fold, guesses)
        truth += labels
        estimate += guesses
        of_folds.append(f1_score(labels, guesses, labels=CLASSES, average="macro", zero_division=0))

    scores = predictions.scores()

    pooled = f1_score(truth, estimate, labels=CLASSES, average="macro", zero_division=0)
    assert scores.clips == len(pool.samples)
    assert scores.uf1 == pytest.approx(pooled)
    assert scores.uf1 != pytest.approx(np.mean(of_folds), abs=0.005)
    assert scores.uar == pytest.approx(balanced_accuracy_score(truth, estimate))
    assert scores.accuracy == pytest.approx(np.mean(np.array(truth) == np.array(estimate)))
    assert scores.macro_f1_eq30 > 0
    expected = confusion_matrix(truth, estimate, labels=CLASSES)
    assert np.array_equal(scores.confusion, expected)


def test_scores_of_each_data_set_of_a_composite(sample: MakeSample) -> None:
    mine = sample("casme2:sub01", label="positive")
    other = sample("samm:006", label="negative", dataset=DatasetName.SAMM)
    pool = Pool((mine, other))
    predictions = Predictions(pool, CLASSES)
    for fold in loso(pool, validation_share=0, seed=1):
        predictions.add(fold, ["positive"])

    assert predictions.scores().accuracy == 0.5
    assert predictions.scores_of(DatasetName.CASME2).accuracy == 1
    assert predictions.scores_of(DatasetName.SAMM).accuracy == 0
    with pytest.raises(ValueError, match="no prediction for the data set"):
        predictions.scores_of(DatasetName.MMEW)


def test_no_scores_before_every_clip_has_a_prediction(pool: Pool) -> None:
    predictions = Predictions(pool, CLASSES)
    fold = next(iter(loso(pool, validation_share=0, seed=1)))
    predictions.add(fold, ["positive"] * 6)
    with pytest.raises(ValueError, match="42 of 48 missing"):
        predictions.scores()


@pytest.mark.parametrize("labels", [["positive"] * 5, ["smug"] * 6])
def test_predictions_that_do_not_fit(pool: Pool, labels: list[str]) -> None:
    fold = Fold.of("first", pool, test={"casme2:sub01"})
    with pytest.raises(ValueError, match="wants 6 labels"):
        Predictions(pool, CLASSES).add(fold, labels)


def test_classes_must_cover_the_pool(pool: Pool) -> None:
    with pytest.raises(ValueError, match="surprise"):
        Predictions(pool, ("positive", "negative"))
