import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from training.metrics import accuracy, pearson, uar, uf1


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


def test_pearson_agrees_with_numpy_and_is_zero_without_variation() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=50), rng.normal(size=50)
    assert pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert pearson(a, np.ones(50)) == 0
