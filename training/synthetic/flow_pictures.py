"""Flow pictures of synthetic micro-expressions, estimated on rendered frames: errors included."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.synthetic.camera import Gray
from training.synthetic.events import Priors
from training.synthetic.flow_events import EMOTIONS, draw_change
from training.synthetic.flow_frames import film_change, local_brows
from training.synthetic.rig import Rig
from training.synthetic.variation import varied
from worker.preprocess.optical_flow import Refinement, flow, flow_image

SIDE = 28
_PER_FACE = 10
_SMOOTHNESS = (4.0, 12.0)
_MOST_MEDIANS = 3


@dataclass(frozen=True)
class FlowPictures:
    """N flow pictures and their classes."""

    flow: npt.NDArray[np.uint8]
    """uint8 [N, 28, 28, 3]: u, v, strain, each stretched by itself"""
    label: npt.NDArray[np.int64]
    """int64 [N]: 0 negative, 1 positive, 2 surprise"""


def draw_flow_pictures(rigs: list[Rig], priors: Priors, count: int, seed: int) -> FlowPictures:
    """`count` pictures, reproducible from the seed: classes in turn, everything else drawn."""
    rng = np.random.default_rng([seed, 7])
    pictures, labels = [], np.arange(count, dtype=np.int64) % len(EMOTIONS)
    for first in range(0, count, _PER_FACE):
        rig = local_brows(varied(rigs, int(rng.integers(len(rigs))), rng), rng)
        for label in labels[first : first + _PER_FACE].tolist():
            onset, apex = film_change(rig, draw_change(label, priors, rng), rng)
            pictures.append(estimated(onset, apex, rng))
    return FlowPictures(np.stack(pictures), labels)


def estimated(onset: Gray, apex: Gray, rng: np.random.Generator) -> Gray:
    """The flow picture of two frames, by an estimator about as sharp as the public files' was."""
    smoothness = float(np.exp(rng.uniform(*np.log(_SMOOTHNESS))))
    medians = int(rng.integers(1, _MOST_MEDIANS + 1))
    wanted = Refinement(smoothness=smoothness, medians=medians)
    return flow_image(flow(onset, apex, "variational", wanted), SIDE)
