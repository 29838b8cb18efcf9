"""Micro-expressions found in long films, by the rule of the MEGC spotting challenge."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.judges.judge import Report, rounded
from training.synthetic.long_films import LongFilm
from training.synthetic.long_plan import DISTRACTORS, Happening

ENOUGH: Final = 0.5
"""Share of their union that a found and a true interval have in common."""
_BESIDE_S: Final = 0.2


@dataclass(frozen=True)
class Interval:
    """A found event, in seconds."""

    onset_s: float
    apex_s: float
    offset_s: float


class SpottingJudge:
    """Matches found intervals to true ones, one to one, closest first."""

    def __init__(self) -> None:
        self._films = 0
        self._seconds = 0.0
        self._false: Counter[str] = Counter()
        self._happened: Counter[str] = Counter()
        self._found = 0
        self._apex_error_s: list[float] = []
        self._overlap: list[float] = []

    def see(self, film: LongFilm, found: Sequence[Interval]) -> None:
        """Compare what was found in a film with its truth."""
        self._films += 1
        self._seconds += film.length_s
        self._happened.update(each.what for each in film.happenings)
        self._found += len(found)
        micros = [each for each in film.happenings if each.what == "micro"]
        hits = matched(found, micros)
        for which, true, share in hits:
            self._overlap.append(share)
            self._apex_error_s.append(abs(found[which].apex_s - micros[true].apex_s))
        spotted = {which for which, _, _ in hits}
        self._false.update(
            reason(each, film.happenings) for n, each in enumerate(found) if n not in spotted
        )

    def report(self) -> Report:
        """F1, precision and recall over all films together, and what false events were about."""
        hits, micros = len(self._overlap), self._happened["micro"]
        minutes = self._seconds / 60
        return {
            "films": self._films,
            "minutes": rounded(minutes),
            "events": micros,
            "found": self._found,
            "hits": hits,
            "f1": rounded(2 * hits / max(1, micros + self._found)),
            "precision": rounded(hits / max(1, self._found)),
            "recall": rounded(hits / max(1, micros)),
            "false_per_minute": rounded((self._found - hits) / minutes) if minutes else None,
            "mean_overlap_of_hits": rounded(np.mean(self._overlap)) if hits else None,
            "median_apex_error_ms": rounded(1000 * np.median(self._apex_error_s)) if hits else None,
            "false_events": {
                "of_an_event_badly_bounded_or_twice": self._false["micro"],
                **{what: self._false[what] for what in DISTRACTORS},
                "of_nothing": self._false[""],
            },
            "distractors": {what: self._happened[what] for what in DISTRACTORS},
        }


def matched(found: Sequence[Interval], true: Sequence[Happening]) -> list[tuple[int, int, float]]:
    """Positions of pairs that overlap by `ENOUGH`, and by how much; each is in one pair at most."""
    if not found or not true:
        return []
    shares = overlaps(found, true)
    hits = []
    while shares.max() >= ENOUGH:
        which, at = (int(each) for each in np.unravel_index(shares.argmax(), shares.shape))
        hits.append((which, at, float(shares[which, at])))
        shares[which], shares[:, at] = -1.0, -1.0
    return hits


def overlaps(found: Sequence[Interval], true: Sequence[Happening]) -> npt.NDArray[np.float64]:
    """Intersection over union f64 [found, true]."""
    begins, ends = (
        [np.array([getattr(each, name) for each in group]) for group in (found, true)]
        for name in ("onset_s", "offset_s")
    )
    both = np.minimum.outer(ends[0], ends[1]) - np.maximum.outer(begins[0], begins[1])
    either = np.maximum.outer(ends[0], ends[1]) - np.minimum.outer(begins[0], begins[1])
    return np.asarray(np.maximum(both, 0.0) / np.maximum(either, 1e-9))


def reason(false: Interval, happenings: Sequence[Happening]) -> str:
    """What a false event is about: whatever it has most in common with, empty for nothing."""
    shared = {"": 0.0}
    for each in happenings:
        begin, end = each.onset_s - _BESIDE_S, each.offset_s + _BESIDE_S
        common_s = min(false.offset_s, end) - max(false.onset_s, begin)
        shared[each.what] = max(shared.get(each.what, 0.0), common_s)
    return max(shared, key=lambda what: shared[what])
