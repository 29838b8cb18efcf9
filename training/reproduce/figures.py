"""What the synthetic table says of one run: both tracks, and how far it can be believed."""

import numpy as np

from training import calibration
from training.benchmark.clips import TRACKS
from training.calibration import Reliability
from training.metrics import Labels, accuracy, macro_f1_eq30, uar, uf1
from worker.domain import FloatArray
from worker.models.calibration import Calibration
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import COARSE_LABELS, LABELS, NEUTRAL

Figures = dict[str, float]


def judged(probabilities: FloatArray, truth: Labels, track: Labels, fitted: Calibration) -> Figures:
    """Of the test clips: probabilities [N, labels] as learnt, labels [N] and tracks [N].

    Positive, negative and surprise on the statistics track, over clips with an event; all labels on
    the prototypes track; calibration error over both.
    """
    statistics, prototypes = (track == TRACKS.index(name) for name in TRACKS)
    event = statistics & (truth != NEUTRAL)
    coarse_truth = COARSE_INDEX[truth[event]]
    coarse = fold(probabilities[event]).argmax(axis=1)
    label, answer = truth[prototypes], probabilities[prototypes].argmax(axis=1)
    return {
        "coarse_uf1": uf1(coarse_truth, coarse, len(COARSE_LABELS)),
        "coarse_uar": uar(coarse_truth, coarse, len(COARSE_LABELS)),
        "accuracy_8": accuracy(label, answer),
        "macro_f1_8": uf1(label, answer, len(LABELS)),
        "macro_f1_eq30_8": macro_f1_eq30(label, answer, len(LABELS)),
        "ece": Reliability.of(probabilities, truth).ece,
        "ece_calibrated": Reliability.of(fitted.tempered(probabilities), truth).ece,
        "temperature": fitted.temperature,
    }


def judged_after(
    held_out: tuple[FloatArray, Labels], test: tuple[FloatArray, Labels, Labels]
) -> Figures:
    """The same, calibrated on (probabilities, labels) of other people."""
    return judged(*test, calibration.fit(*held_out))


def spread(runs: list[Figures]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation over seeds, figure by figure; one run spreads by 0."""
    names = runs[0].keys()
    values = {name: np.array([run[name] for run in runs]) for name in names}
    return {
        name: {
            "mean": round(float(column.mean()), 4),
            "spread": round(float(column.std(ddof=1)), 4) if len(column) > 1 else 0.0,
        }
        for name, column in values.items()
    }
