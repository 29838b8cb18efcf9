"""The events of a face: the strongest few of a clip, or each of a window as it comes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan, Image
from worker.preprocess.intervals import spot_all
from worker.preprocess.sampling import event_frames, sample_indices
from worker.preprocess.spotting import rise_above_rest
from worker.preprocess.stabilise import Placement
from worker.strip import Anchor, Observation

MOST_EVENTS: Final = 10


@dataclass(frozen=True, slots=True)
class Instant:
    """A frame of the clip and when it is shown."""

    frame: int
    pts_s: float


Span = tuple[Instant, Instant, Instant]
"""Onset, apex, offset."""


@dataclass(frozen=True, slots=True)
class Ends:
    """A face at the onset and at the apex of an event."""

    crops: Image
    """uint8 [2, 3, S, S]"""
    placements: tuple[Placement, Placement]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a recognizer is to judge."""

    anchor: Anchor
    strength: float
    """How far the face moves, in FACS units."""
    span: Span | None
    """None for a stretch without an event."""
    crops: Image
    """uint8 [T, 3, S, S], onset to offset"""
    apex: int
    """Position among the crops of the one nearest the apex."""
    ends: Ends | None = None
    """None for a stretch without an event, and once the crops have been let go."""

    def overlaps(self, other: "Moment") -> bool:
        """Whether both are about the same event."""
        if self.span is None or other.span is None:
            return False
        (begins, _, ends), (other_begins, _, other_ends) = self.span, other.span
        return begins.frame <= other_ends.frame and other_begins.frame <= ends.frame


class Highlights:
    """Keeps the strongest events of one face, or its liveliest window where there is none.

    Args:
        count: Frames of a moment that a recognizer sees.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._events: list[Moment] = []
        self._liveliest: Moment | None = None

    @property
    def moments(self) -> list[Moment]:
        """The events, strongest first; where there is none, one stretch without."""
        if self._events or self._liveliest is None:
            return self._events
        return [self._liveliest]

    def consider(self, seen: Observation) -> None:
        """Look for an event in the next window."""
        if not len(seen.used[seen.peaks]):
            return
        moment = self._moment(seen)
        if moment.span is None:
            if self._liveliest is None or moment.strength > self._liveliest.strength:
                self._liveliest = moment
            return
        rivals = [other for other in self._events if other.overlaps(moment)]
        if any(other.strength >= moment.strength for other in rivals):
            return
        others = [other for other in self._events if not other.overlaps(moment)]
        ranked = sorted([*others, moment], key=lambda event: -event.strength)
        self._events = ranked[:MOST_EVENTS]

    def _moment(self, seen: Observation) -> Moment:
        span, sampled = event_frames(seen.trace, seen.pts_s, self._count, seen.peaks)
        strength = float(rise_above_rest(seen.trace, seen.pts_s)[seen.peaks].max())
        if span is None:
            return Moment(seen.anchor, strength, None, seen.crops[sampled], 0)
        return _event(seen, span, strength, sampled)


def spotted(seen: Observation, count: int) -> list[Moment]:
    """Every micro-expression of a window, in order of time.

    Args:
        seen: The window.
        count: Frames of a moment that a recognizer sees.
    """
    turns = np.array([placement.turn for placement in seen.placements], dtype=np.float32)
    return [
        _event(seen, found.span, found.height, sample_indices(seen.pts_s, found.span, count))
        for found in spot_all(seen.trace, seen.pts_s, turns, seen.peaks)
    ]


def _event(
    seen: Observation, span: EventSpan, strength: float, sampled: npt.NDArray[np.intp]
) -> Moment:
    onset, apex, offset = (
        _instant(seen, position) for position in (span.onset, span.apex, span.offset)
    )
    nearest = int(np.abs(sampled - span.apex).argmin())
    ends = Ends(
        seen.crops[[span.onset, span.apex]],
        (seen.placements[span.onset], seen.placements[span.apex]),
    )
    return Moment(seen.anchor, strength, (onset, apex, offset), seen.crops[sampled], nearest, ends)


def _instant(seen: Observation, position: int) -> Instant:
    return Instant(int(seen.used[position]), float(seen.pts_s[position]))
