import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
)
from sklearn.metrics import (
    confusion_matrix as sklearn_confusion_matrix,
)

from training.metrics import (
    accuracy,
    confusion_matrix,
    icc_3_1,
    icc_3_1_of,
    macro_f1_eq30,
    pearson,
    uar,
    uf1,
)


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 300)
    estimate = np.where(rng.random(300) < 0.5, truth, rng.integers(0, 4, 300))
    return truth, estimate


def test_scores_agree_with_scikit_learn(answers: tuple[np.ndarray, np.ndarray]) -> None:
    truth, estimate = answers
    assert uf1(truth, estimate, 4) == pytest.approx(f1_score(truth, estimate, average="macro"))
    assert uar(truth, estimate, 4) == pytest.approx(balanced_accuracy_score(truth, estimate))
    assert accuracy(truth, estimate) == pytest.approx((truth == estimate).mean())


def test_uf1_counts_a_class_that_is_never_predicted_as_zero() -> None:
    truth, estimate = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0])
    assert uf1(truth, estimate, 2) == pytest.approx((2 / 3) / 2)


def test_the_confusion_matrix_agrees_with_scikit_learn(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, estimate = answers
    expected = sklearn_confusion_matrix(truth, estimate, labels=range(5))
    assert np.array_equal(confusion_matrix(truth, estimate, 5), expected)


def test_eq30_is_the_f1_of_mean_precision_and_mean_recall(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, estimate = answers
    precision, recall = (
        score(truth, estimate, labels=range(5), average="macro", zero_division=0)
        for score in (precision_score, recall_score)
    )
    expected = 2 * precision * recall / (precision + recall)
    assert macro_f1_eq30(truth, estimate, 5) == pytest.approx(expected)


def test_eq30_exceeds_uf1_on_the_known_example() -> None:
    cells = np.array([[88, 0, 0], [20, 12, 0], [20, 0, 5]])
    truth = np.repeat(np.repeat(np.arange(3), 3), cells.ravel())
    estimate = np.repeat(np.tile(np.arange(3), 3), cells.ravel())
    assert uf1(truth, estimate, 3) == pytest.approx(0.565, abs=5e-4)
    assert macro_f1_eq30(truth, estimate, 3) == pytest.approx(0.662, abs=5e-4)


def test_eq30_without_a_hit_is_zero() -> None:
    assert macro_f1_eq30(np.array([0, 1]), np.array([1, 0]), 2) == 0


def test_icc_3_1_of_the_published_example() -> None:
    """Shrout and Fleiss 1979, Table 2: six targets, four judges, ICC(3,1) = 0.71."""
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    )

    assert icc_3_1_of(ratings.astype(float)) == pytest.approx(0.71, abs=0.005)


def test_icc_3_1_forgives_a_rater_s_level_but_not_its_scale() -> None:
    truth = np.random.default_rng(2).normal(size=400).astype(np.float32)

    assert icc_3_1(truth, truth + 3) == pytest.approx(1, abs=1e-4)
    assert icc_3_1(truth, 3 * truth) == pytest.approx(0.6, abs=1e-3)
    assert icc_3_1(np.zeros(5, np.float32), np.zeros(5, np.float32)) == 0


def test_pearson_agrees_with_numpy_and_is_zero_without_variation() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=50), rng.normal(size=50)
    assert pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert pearson(a, np.ones(50)) == 0
