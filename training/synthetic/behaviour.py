"""What faces do beside the event: blink, look about, talk."""

from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.expression import extra, no_extras, no_units
from worker.specs import AU_MAX, AU_NUMBERS

Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

BLINK: Final = AU_NUMBERS.index(45)

_VISEMES: Final[tuple[tuple[dict[int, float], dict[str, float]], ...]] = (
    ({25: 3.0, 26: 2.6}, {}),  # open vowels
    ({25: 2.0, 26: 1.0, 20: 1.8, 12: 0.4}, {}),  # spread vowels
    ({25: 1.5, 26: 0.8}, {"pucker": 3.0}),  # rounded vowels
    ({25: 1.5, 26: 0.8}, {"funnel": 2.5}),
    ({24: 1.5}, {}),  # m, b, p
    ({23: 1.0, 17: 1.0}, {}),
    ({25: 0.8}, {"lip_suck": 1.2}),  # f, v
    ({25: 1.2, 26: 0.4}, {"lower_lip_depressor": 1.5}),  # s, t
    ({}, {}),
)
_SYLLABLE_S = (0.09, 0.24)
_CLOSING_S, _OPENING_S = (0.05, 0.11), (0.1, 0.26)
_SHUT_S = 0.05
_WIDEST_GAZE = 0.75


def blink(times_s: Times, at_s: float, depth: float, rng: np.random.Generator) -> Floats:
    """AU45 f32 [N] of one blink: lids fall faster than they rise."""
    closing, opening = rng.uniform(*_CLOSING_S), rng.uniform(*_OPENING_S)
    shut = rng.uniform(0, _SHUT_S)
    knots = np.array([-closing, 0, shut, shut + opening]) + at_s
    share = np.interp(times_s, knots, [0, 1, 1, 0])
    return np.asarray(depth * (1 - np.cos(np.pi * share)) / 2, dtype=np.float32)


def viseme(rng: np.random.Generator, loudness: float) -> tuple[Floats, Floats]:
    """One mouth shape of speech: AUs f32 [K, 2] and extras f32 [E, 2]."""
    units, extras = _VISEMES[int(rng.integers(len(_VISEMES)))]
    rows = no_units()
    for number, level in units.items():
        rows[AU_NUMBERS.index(number)] = level * loudness * rng.uniform(0.6, 1.4)
    beside = extra(**extras) * np.float32(loudness * rng.uniform(0.6, 1.4))
    if rng.random() < 0.1:  # noqa: PLR2004  # now and then the jaw swings
        beside += extra(jaw_sideways=float(rng.uniform(0, 1.0)))
    return np.clip(rows, 0, AU_MAX), np.clip(beside, 0, AU_MAX)


def speech(
    times_s: Times, start_s: float, stop_s: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mouth shapes that flow into one another: AUs f32 [N, K, 2] and extras f32 [N, E, 2]."""
    loudness = rng.uniform(0.5, 1.2)
    knots, shapes = [start_s], [(no_units(), no_extras())]
    while knots[-1] < stop_s:
        knots.append(knots[-1] + rng.uniform(*_SYLLABLE_S))
        shapes.append(viseme(rng, loudness))
    shapes[-1] = (no_units(), no_extras())
    place = np.interp(times_s, knots, np.arange(len(knots)))
    before = np.minimum(place.astype(int), len(knots) - 2)
    share = ((1 - np.cos(np.pi * (place - before))) / 2)[:, None, None]
    units, extras = (np.stack(column) for column in zip(*shapes, strict=True))
    return (
        (units[before] + share * (units[before + 1] - units[before])).astype(np.float32),
        (extras[before] + share * (extras[before + 1] - extras[before])).astype(np.float32),
    )


def gaze_path(times_s: Times, rng: np.random.Generator) -> Floats:
    """Irises f32 [N, 2] that rest, jump and tremble; starts near the camera."""
    gaze = np.zeros((len(times_s), 2))
    at = 0.0
    here = rng.normal(0, 0.06, 2)
    while at < times_s[-1]:
        stay = rng.exponential(0.7) + 0.15
        gaze[(times_s >= at) & (times_s < at + stay)] = here
        at += stay
        here = draw_gaze(rng) if rng.random() < 0.6 else here + rng.normal(0, 0.05, 2)  # noqa: PLR2004  # jump or drift
    smooth = np.ones(max(1, int(np.sum(times_s < times_s[0] + 0.03))))
    padded = np.pad(gaze, ((len(smooth) // 2, len(smooth) - 1 - len(smooth) // 2), (0, 0)), "edge")
    rows = [np.convolve(column, smooth / len(smooth), "valid") for column in padded.T]
    return np.stack(rows, axis=-1).astype(np.float32)


def draw_gaze(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Where irises go, in iris radii right and down."""
    return np.clip(rng.normal(0, [0.35, 0.2]), -_WIDEST_GAZE, _WIDEST_GAZE)
