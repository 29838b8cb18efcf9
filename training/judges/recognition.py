"""The event spotted and classified as the service does it."""

import numpy as np
import numpy.typing as npt

from training.judges.judge import Report, Shown, rounded
from training.metrics import accuracy, uar, uf1
from training.served import Recognition, ServedModels
from worker.domain import FloatArray
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import COARSE_LABELS, LABELS, NEUTRAL

SEED = 20_250


class RecognitionJudge:
    """Clips as they are, or with their frames in random order on the same clock.

    A model that looks at frames one by one does not notice the difference; one of motion must.
    """

    def __init__(self, served: ServedModels, *, is_shuffled: bool) -> None:
        self._served = served
        self._is_shuffled = is_shuffled
        self._truth: list[int] = []
        self._prototype: list[bool] = []
        self._spotted: list[bool] = []
        self._probabilities: list[FloatArray] = []

    def see(self, shown: Shown) -> None:
        """Recognise one clip, unless it is a trial of phantom motion."""
        if shown.clip.kind != "event":
            return
        answer = self._recognise(shown)
        self._truth.append(shown.clip.label)
        self._prototype.append(shown.clip.track == "prototypes")
        self._spotted.append(answer.span is not None)
        self._probabilities.append(answer.probabilities)

    def report(self) -> Report:
        """Over all clips, and over each way of drawing AU sets alone."""
        if not self._truth:
            return {"clips": 0}
        prototype = np.array(self._prototype)
        rows = {"all": prototype | True, "real_statistics": ~prototype, "prototypes": prototype}
        return {name: self._figures(chosen) for name, chosen in rows.items() if chosen.any()}

    def _recognise(self, shown: Shown) -> Recognition:
        seen = shown.seen
        order = np.arange(len(seen.crops))
        if self._is_shuffled:
            order = np.random.default_rng(SEED).permutation(len(order))
        return self._served.recognise(seen.crops[order], seen.trace[order], seen.pts_s)

    def _figures(self, chosen: npt.NDArray[np.bool_]) -> Report:
        """8-class figures over all clips; positive, negative, surprise over those with an event."""
        truth = np.array(self._truth)[chosen]
        probabilities = np.stack(self._probabilities)[chosen]
        answer = probabilities.argmax(axis=1)
        event = truth != NEUTRAL
        coarse_truth = COARSE_INDEX[truth[event]]
        coarse = fold(probabilities[event]).argmax(axis=1)
        return {
            "clips": len(truth),
            "accuracy_8": rounded(accuracy(truth, answer)),
            "uf1_8": rounded(uf1(truth, answer, len(LABELS))),
            "event_clips": int(event.sum()),
            "coarse_uf1": rounded(uf1(coarse_truth, coarse, len(COARSE_LABELS))),
            "coarse_uar": rounded(uar(coarse_truth, coarse, len(COARSE_LABELS))),
            "spotted_share": rounded(np.array(self._spotted)[chosen].mean()),
        }
