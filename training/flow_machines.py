"""Small learners beside the networks on flow pictures: SVMs, a discriminant, a regression.

Each sees the clips of a fold's training alone, its standardisation and its width included.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from training.flow_folds import Answers, Learner, Material, held_out, rows_of
from training.flow_set import CLASSES
from training.metrics import Labels
from training.protocols.split import Fold, Role

_BOX: Final = 10.0
"""C of the SVMs."""
_RIDGE: Final = 0.05
"""C of the regression."""
_COMPONENTS: Final = 60
_PLACE: Final = 4
"""Pixels along a side of what the discriminant takes the mean of."""
_MOST_STEPS: Final = 1000

Features = npt.NDArray[np.float32]
"""f32 [N, features], in the order of the set's rows"""


class Classifier(Protocol):
    """As scikit-learn has them."""

    def fit(self, features: Features, label: Labels) -> object:
        """Learn from clips."""
        ...

    def predict_proba(self, features: Features) -> npt.NDArray[np.float64]:
        """Probabilities [N, classes]."""
        ...


def svm(features: Features, label: Labels) -> Learner:
    """An RBF-SVM, its votes as their softmax; the width follows from the spread of training."""

    def answer(fold: Fold) -> Answers:
        learnt, asked = rows_of(fold.train, Role.TRAIN), held_out(fold)
        width = 1 / (features.shape[1] * features[learnt].var())
        model = SVC(C=_BOX, gamma=width, decision_function_shape="ovr")
        votes = model.fit(features[learnt], label[learnt]).decision_function(features[asked])
        return np.asarray(softmax(votes, axis=1), dtype=np.float32)

    return answer


def classifier(make: Callable[[int], Classifier], features: Features, label: Labels) -> Learner:
    """What `make` gives for so many clips."""

    def answer(fold: Fold) -> Answers:
        learnt, asked = rows_of(fold.train, Role.TRAIN), held_out(fold)
        model = make(len(learnt))
        model.fit(features[learnt], label[learnt])
        return np.asarray(model.predict_proba(features[asked]), dtype=np.float32)

    return answer


def committee(members: list[Learner]) -> Learner:
    """The mean of what several say."""

    def answer(fold: Fold) -> Answers:
        return np.mean([member(fold) for member in members], axis=0, dtype=np.float32)

    return answer


def on_pixels(material: Material) -> Learner:
    """The SVM on pictures as they are."""
    pixels = material.flow.flow.reshape(len(material.labels), -1)
    return svm(pixels.astype(np.float32) / 255, material.flow.label)


def on_prepared(material: Material) -> Learner:
    """The SVM on pictures as the networks see them."""
    return svm(material.pictures.flatten(1).numpy(), material.flow.label)


def of_three(material: Material) -> Learner:
    """That SVM, a discriminant on means of places, a regression on principal components."""
    label, whole = material.flow.label, material.pictures.flatten(1).numpy()
    places = material.pictures.unfold(2, _PLACE, _PLACE).unfold(3, _PLACE, _PLACE).mean((-2, -1))
    return committee(
        [
            svm(whole, label),
            classifier(_discriminant, places.flatten(1).numpy(), label),
            classifier(_regression, whole, label),
        ]
    )


MACHINES: Final[Mapping[str, Callable[[Material], Learner]]] = {
    "svm": on_pixels,
    "svm, prepared": on_prepared,
    "committee": of_three,
}
"""What may keep networks company."""


def _discriminant(_: int) -> Classifier:
    even = [1 / len(CLASSES)] * len(CLASSES)
    shrunk = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=even)
    return make_pipeline(StandardScaler(), shrunk)


def _regression(clips: int) -> Classifier:
    components = PCA(min(_COMPONENTS, clips - 1), svd_solver="full")
    model = LogisticRegression(C=_RIDGE, max_iter=_MOST_STEPS, class_weight="balanced")
    return make_pipeline(components, StandardScaler(), model)
