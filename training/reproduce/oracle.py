"""What the true action units alone tell of the label: the ceiling, or nearly, of any network."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.benchmark.clips import TRACKS, Clips
from training.reproduce.figures import Figures, judged_after
from worker.domain import FloatArray

_STEPS = 2000


def oracle(train: Clips, held_out: Clips, test: Clips) -> Figures:
    """Logistic regression from true codes to labels, on the clips that networks learn from.

    One sees the statistics track alone, the other the prototypes alone, as each would be asked; a
    network has to do with both at once.
    """
    tracks = range(len(TRACKS))
    parts = [_track(train, held_out, test, track) for track in tracks]
    estimates, fitted = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(test.track, kind="stable")
    own = np.argsort(held_out.track, kind="stable")
    return judged_after(
        (fitted, held_out.label[own]), (estimates, test.label[order], test.track[order])
    )


def _track(train: Clips, held_out: Clips, test: Clips, track: int) -> list[FloatArray]:
    """Probabilities [N, labels] of one track's test clips and of those held out."""
    learner = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_STEPS))
    rows = train.track == track
    learner.fit(_features(train.code[rows]), train.label[rows])
    return [
        learner.predict_proba(_features(clips.code[clips.track == track])).astype(np.float32)
        for clips in (test, held_out)
    ]


def _features(code: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The stronger side and the weaker one of each AU, f32 [N, 2 * K]: sides carry no meaning."""
    return np.concatenate([code.max(axis=1), code.min(axis=1)], axis=1)
