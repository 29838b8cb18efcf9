"""What a face does between onset and apex, in the three classes of MEGC 2019."""

from typing import Final

import numpy as np

from training.synthetic.behaviour import BLINK, draw_gaze
from training.synthetic.events import PROTOTYPES, Priors, beside, intensities, mirrored
from training.synthetic.expression import Expression, no_extras, no_units
from worker.specs import AU_MAX, AU_NUMBERS

EMOTIONS: Final[tuple[dict[str, float], ...]] = (
    {
        "disgust": 0.42,
        "anger": 0.20,
        "repression": 0.14,
        "sadness": 0.10,
        "fear": 0.09,
        "contempt": 0.05,
    },
    {"happiness": 1.0},
    {"surprise": 1.0},
)
"""Shares of emotions within negative, positive and surprise, about as the composite has them."""

_REPRESSION: Final = (
    ("15",),
    ("17",),
    ("14",),
    ("15", "17"),
    ("14", "17"),
    ("24",),
    ("4", "15"),
    ("L14",),
    ("17", "24"),
)
"""AU sets of an emotion that only CASME II has, and the counted tables do not."""

_FAINTEST, _STRONGEST = 0.3, 1.6
_PROTOTYPE_SHARE = 0.1
_UNCODED_SHARE = 0.1
_UNCODED = (0.2, 0.8)
_BLINK_SHARE, _OPENING_SHARE = 0.45, 0.4
_GAZE_SHARE, _GAZE = 0.25, 0.5


def draw_change(
    label: int, priors: Priors, rng: np.random.Generator
) -> tuple[Expression, Expression]:
    """The face at onset and at apex of an event of class 0, 1 or 2.

    Eyes blink and look about as they like, and a tenth shows an AU more than was coded.
    """
    tokens = mirrored(_tokens(label, priors, rng), rng)
    after = intensities(tokens, rng, _FAINTEST, _STRONGEST)
    extras = beside(tokens, float(after.max()))
    if rng.random() < _UNCODED_SHARE:
        other = (str(rng.choice(AU_NUMBERS[:-1])),)
        after = np.maximum(after, intensities(other, rng, *_UNCODED))
    before = no_units()
    if rng.random() < _BLINK_SHARE:
        lids = before if rng.random() < _OPENING_SHARE else after
        lids[BLINK] += _closing(rng) * (1 + 0.1 * rng.standard_normal(2))
    gazes = [(0.0, 0.0)] * 2
    if rng.random() < _GAZE_SHARE:
        gazes = [_glance(rng) for _ in gazes]
    return (
        Expression(np.clip(before, 0, AU_MAX).astype(np.float32), no_extras(), gazes[0]),
        Expression(np.clip(after, 0, AU_MAX).astype(np.float32), extras, gazes[1]),
    )


def _tokens(label: int, priors: Priors, rng: np.random.Generator) -> tuple[str, ...]:
    shares = EMOTIONS[label]
    emotion = str(rng.choice(list(shares), p=list(shares.values())))
    if emotion == "repression":
        return _REPRESSION[int(rng.integers(len(_REPRESSION)))]
    if rng.random() < _PROTOTYPE_SHARE:
        return PROTOTYPES[emotion]
    return priors.action_units(emotion, rng)


def _closing(rng: np.random.Generator) -> float:
    """AU45 of a whole blink, or of lids that droop a little."""
    return float(rng.uniform(0.3, AU_MAX) if rng.random() < 0.5 else rng.uniform(0.2, 1.5))  # noqa: PLR2004


def _glance(rng: np.random.Generator) -> tuple[float, float]:
    x, y = draw_gaze(rng) * _GAZE
    return float(x), float(y)
