"""One judge per served model: is shown clips one by one, reports figures at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from training.metrics import accuracy, pearson, uar, uf1
from training.served import Crops, ServedModels
from training.synthetic.clips import ClipPlan, depths
from training.synthetic.rig import Rig
from worker.domain import FloatArray
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import AU, AU_NAMES, COARSE_LABELS, DEPTH, LABELS, MADVNET, NEUTRAL

Report = Mapping[str, "float | str | Report"]

_ACTIVE_FACS = 0.25
"""An AU counts as active in a frame from here on."""


@dataclass(frozen=True)
class EvaluationClip:
    """A generated clip, its crops uint8 [N, 3, S, S], and the planned frame each one shows."""

    plan: ClipPlan
    rig: Rig
    crops: Crops
    order: npt.NDArray[np.intp]

    def shuffled(self, seed: int) -> "EvaluationClip":
        """The same frames in random order on the same clock."""
        order = np.random.default_rng(seed).permutation(len(self.crops))
        return EvaluationClip(self.plan, self.rig, self.crops[order], self.order[order])


class Judge(Protocol):
    """Collects what a model says of clips against the truth."""

    def see(self, clip: EvaluationClip) -> None:
        """Run the model on one clip."""

    def report(self) -> Report:
        """Figures over all clips seen."""


class AUJudge:
    """AU change of every frame against the first frame shown."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._truth: list[FloatArray] = []
        self._estimate: list[FloatArray] = []

    def see(self, clip: EvaluationClip) -> None:
        """Estimate all frames."""
        self._estimate.append(self._served.action_units(clip.crops, clip.crops[:1]))
        self._truth.append(clip.plan.change(int(clip.order[0]))[clip.order])

    def report(self) -> Report:
        """Pearson per AU over all frames and sides; mean absolute error in FACS units.

        An AU that no clip moves has no correlation: it is named as absent and not averaged.
        """
        truth, estimate = np.concatenate(self._truth), np.concatenate(self._estimate)
        moved = [k for k in range(len(AU_NAMES)) if truth[:, :, k].any()]
        per_au = {
            AU_NAMES[k]: pearson(truth[:, :, k].ravel(), estimate[:, :, k].ravel()) for k in moved
        }
        error, active = np.abs(truth - estimate), np.abs(truth) >= _ACTIVE_FACS
        return {
            "clips": len(self._truth),
            "frames": len(truth),
            "pearson_mean": _rounded(np.mean(list(per_au.values()))),
            "mae": _rounded(error.mean()),
            "mae_where_active": _rounded(error[active].mean()),
            "mae_where_active_of_predicting_zero": _rounded(np.abs(truth)[active].mean()),
            "absent": ", ".join(name for name in AU_NAMES if name not in per_au),
            "pearson": {name: _rounded(value) for name, value in per_au.items()},
        }


class DepthJudge:
    """Depth of the apex frame against the truth, inside the face."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._pearson: list[float] = []

    def see(self, clip: EvaluationClip) -> None:
        """Estimate the frame shown where the apex should be."""
        at = np.array([clip.plan.span.apex])
        truth, face = depths(clip.plan, clip.rig, clip.order[at])
        self._pearson.append(pearson(truth[face], self._served.depth(clip.crops[at])[:, 0][face]))

    def report(self) -> Report:
        """Mean over clips, and the value a twentieth of the clips stay below."""
        return {
            "clips": len(self._pearson),
            "pearson_mean": _rounded(np.mean(self._pearson)),
            "pearson_worst_twentieth": _rounded(np.quantile(self._pearson, 0.05)),
        }


class MADVNetJudge:
    """The event spotted and classified as the service does it."""

    def __init__(self, served: ServedModels) -> None:
        self._served = served
        self._truth: list[int] = []
        self._prototype: list[bool] = []
        self._spotted: list[bool] = []
        self._probabilities: list[FloatArray] = []

    def see(self, clip: EvaluationClip) -> None:
        """Recognise one clip."""
        answer = self._served.recognise(clip.crops, clip.plan.pts_s)
        self._truth.append(clip.plan.event.label)
        self._prototype.append(clip.plan.prototype)
        self._spotted.append(answer.span is not None)
        self._probabilities.append(answer.probabilities)

    def report(self) -> Report:
        """Over all clips, and over each way of drawing AU sets alone."""
        prototype = np.array(self._prototype)
        rows = {"all": prototype | True, "real_statistics": ~prototype}
        return {
            name: self._figures(chosen)
            for name, chosen in (rows | {"prototypes": prototype}).items()
        }

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
            "accuracy_8": _rounded(accuracy(truth, answer)),
            "uf1_8": _rounded(uf1(truth, answer, len(LABELS))),
            "event_clips": int(event.sum()),
            "coarse_uf1": _rounded(uf1(coarse_truth, coarse, len(COARSE_LABELS))),
            "coarse_uar": _rounded(uar(coarse_truth, coarse, len(COARSE_LABELS))),
            "spotted_share": _rounded(np.array(self._spotted)[chosen].mean()),
        }


JUDGES: Final[dict[str, type[AUJudge] | type[DepthJudge] | type[MADVNetJudge]]] = {
    AU.name: AUJudge,
    DEPTH.name: DepthJudge,
    MADVNET.name: MADVNetJudge,
}


def _rounded(value: float | np.floating[npt.NBitBase]) -> float:
    return round(float(value), 4)
