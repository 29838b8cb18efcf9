"""Which action units move, how far and when: events drawn from published annotation statistics."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.expression import extra, no_extras
from worker.specs import AU_COUNT, AU_MAX, AU_NUMBERS, LABELS, NEUTRAL, SIDES

Floats = npt.NDArray[np.float32]

PROTOTYPES: Final[dict[str, tuple[str, ...]]] = {
    "happiness": ("6", "12"),
    "sadness": ("1", "4", "15"),
    "surprise": ("1", "2", "5", "26"),
    "fear": ("1", "2", "4", "5", "7", "20", "26"),
    "anger": ("4", "5", "7", "23"),
    "disgust": ("9", "15", "16"),
    "contempt": ("R12", "R14"),
}
"""EMFACS prototypes (paper Table 1 as repaired)."""

UNSERVED: Final = {16: "lower_lip_depressor", 18: "pucker", 22: "funnel", 28: "lip_suck"}
"""AUs of the annotation tables that move the face and are not among those served."""

MIDLINE: Final = (17, 23, 24, 25, 26)
"""Actions of unpaired muscles, and of the lips as a whole: always on both sides."""

_MICRO_RANGE = (0.5, 2.0)
_MACRO_RANGE = (2.0, 4.5)
_MACRO_LONGER = (2.0, 4.0)
_SIDE_SPREAD = 0.12
_PARTED_SHARE = 0.85
_CLOSED_DROP = 2.5
_BROAD_SMILE, _LAUGHING_SHARE = 2.5, 0.6
_PART, _DROP, _SMILE = (AU_NUMBERS.index(number) for number in (25, 26, 12))
_TOKEN = re.compile(r"([LR]?)(\d+)")


@dataclass(frozen=True)
class Event:
    """One expression: AU intensities at the apex f32 [K, 2] (FACS 0-5) and its timing in seconds.

    A neutral event has no intensity; its timing then only says which stretch is looked at.
    """

    label: int
    peak: Floats
    onset_s: float
    apex_s: float
    offset_s: float
    extras: Floats = field(default_factory=no_extras)
    """f32 [E, 2]: unserved movements at the apex, on the same scale"""

    def envelope(self, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Share of the peak at each time, 0..1: half-cosine rise to the apex and fall from it."""
        rise = (times_s - self.onset_s) / (self.apex_s - self.onset_s)
        fall = (self.offset_s - times_s) / (self.offset_s - self.apex_s)
        share: npt.NDArray[np.float64] = np.clip(np.minimum(rise, fall), 0.0, 1.0)
        return np.asarray((1 - np.cos(np.pi * share)) / 2)


class Priors:
    """AU sets per emotion and timing quantiles counted from annotation tables."""

    def __init__(self, file: Path) -> None:
        statistics = json.loads(file.read_text())["emotions"]
        self._statistics = {label: statistics[label] for label in LABELS if label in statistics}

    def action_units(self, label: str, rng: np.random.Generator) -> tuple[str, ...]:
        """An AU set of this emotion that moves a served AU, drawn by its count."""
        sets = self._statistics[label]["au_sets"]
        known = {
            tokens: count
            for tokens, count in ((tuple(name.split("+")), count) for name, count in sets.items())
            if any(_number(token) in AU_NUMBERS for token in tokens)
        }
        weights = np.array(list(known.values()), dtype=float)
        return list(known)[rng.choice(len(known), p=weights / weights.sum())]

    def seconds(self, label: str, quantity: str, rng: np.random.Generator) -> float:
        """`duration_s` or `onset_to_apex_s`, by inverse-transform sampling of its quantiles."""
        quantiles = self._statistics[label][quantity]
        levels = [float(level) / 100 for level in quantiles]
        return float(
            np.interp(rng.uniform(levels[0], levels[-1]), levels, list(quantiles.values()))
        )

    def event(
        self,
        label: int,
        rng: np.random.Generator,
        *,
        prototype: bool,
        lead_s: float,
        macro: bool = False,
    ) -> Event:
        """A micro- or macro-expression of one class that starts `lead_s` into the clip."""
        name = LABELS[label]
        timing = "disgust" if label == NEUTRAL else name
        duration = max(0.1, self.seconds(timing, "duration_s", rng))
        rise = self.seconds(timing, "onset_to_apex_s", rng)
        rise = float(np.clip(rise, 0.25 * duration, 0.75 * duration))
        longer = rng.uniform(*_MACRO_LONGER) if macro else 1.0
        times = lead_s, lead_s + longer * rise, lead_s + longer * duration
        if label == NEUTRAL:
            return Event(label, np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32), *times)
        tokens = mirrored(PROTOTYPES[name] if prototype else self.action_units(name, rng), rng)
        peak = intensities(tokens, rng, *(_MACRO_RANGE if macro else _MICRO_RANGE))
        return Event(label, peak, *times, beside(tokens, float(peak.max())))


def intensities(
    tokens: tuple[str, ...], rng: np.random.Generator, low: float, high: float
) -> Floats:
    """Apex intensities f32 [K, 2] for tokens such as `12`, `L14`: AUs vary about one strength."""
    peak = np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32)
    strength = rng.uniform(low, high)
    for token in tokens:
        number = _number(token)
        if number not in AU_NUMBERS:
            continue
        level = strength * rng.uniform(0.7, 1.3)
        sides = np.clip(level * (1 + _SIDE_SPREAD * rng.standard_normal(2)), 0.0, AU_MAX)
        if number in MIDLINE:
            sides[:] = sides.mean()
        elif token[0] in "LR":
            sides["LR".index(token[0]) ^ 1] = 0.0
        peak[AU_NUMBERS.index(number)] = sides
    if peak[_DROP].any() and not peak[_PART].any():
        # A dropping jaw parts the lips, which coders often leave out; closed, they allow less.
        if rng.random() < _PARTED_SHARE:
            peak[_PART] = np.clip(peak[_DROP] * rng.uniform(0.7, 1.2), 0.0, AU_MAX)
        else:
            peak[_DROP] = np.minimum(peak[_DROP], _CLOSED_DROP)
    smile = float(peak[_SMILE].max())
    if smile > _BROAD_SMILE and not peak[_PART].any() and rng.random() < _LAUGHING_SHARE:
        peak[_PART] = smile * rng.uniform(0.5, 1.0)
    return peak


def beside(tokens: tuple[str, ...], level: float) -> Floats:
    """Unserved movements f32 [E, 2] that an AU set asks for, at one level."""
    names = [UNSERVED[number] for token in tokens if (number := _number(token)) in UNSERVED]
    return extra(**dict.fromkeys(names, level))


def _number(token: str) -> int:
    match = _TOKEN.fullmatch(token)
    return int(match[2]) if match else -1


def mirrored(tokens: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
    """The same set, or its mirror image: a person's side carries no meaning of its own."""
    if rng.integers(2):
        return tokens
    return tuple(t.translate(str.maketrans("LR", "RL")) for t in tokens)
