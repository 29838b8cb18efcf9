"""Every micro-expression of a trace, told from longer expressions, blinks, speech, head turns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan, FloatArray
from worker.preprocess.apex import locate
from worker.preprocess.spotting import BOUNDARY, MAX_HALF_S, TOP, smoothed, surroundings, weighted
from worker.specs import AU_NUMBERS

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32] | Floats
Mask = npt.NDArray[np.bool_]

REST_S: Final = 1.5
"""The median over so long is the face at rest: what lasts for less than half of it stands out."""
FLOOR: Final = 0.25
"""FACS units that an event rises by at least,"""
STANDS_OUT: Final = 3.0
"""and so many times what the face rises by in half of the frames."""
LASTS_S: Final = (0.15, 0.6)
"""How long an event may last: half a second by definition, and what is misjudged."""
RETURNS: Final = 0.7
"""Before and after an event the face is back by this share of its height."""
MOST_TURN_DEG: Final = 8.0
"""Of the head meanwhile; of a face that turns further little can be told."""
PER_BLINK: Final = 0.3
"""FACS units by which brows and lids may seem to move for each unit of a blink,"""
PER_DEGREE: Final = 0.1
"""and every unit for each degree by which the head is turned away from where it rests."""
CLOSING: Final = 0.8
"""FACS units of AU45; within `AROUND_BLINK_S` of it lids half closed look tightened or raised."""
AROUND_BLINK_S: Final = 0.1
SPEECH: Final = 6.0
"""FACS units that lips travel within `REST_S`; within `AROUND_SPEECH_S` of it a mouth speaks."""
AROUND_SPEECH_S: Final = 0.4
LIDS_SHARE: Final = 0.4
"""How much of what lids do counts: they follow the gaze, too."""

_STEP_S: Final = 0.04
_LONGEST_STEP_S: Final = 0.2
_BESIDE_S: Final = 0.12
_OVERLAP: Final = 0.3
_NEXT_TO_NOTHING: Final = 1e-6
_BLINK: Final = AU_NUMBERS.index(45)
_LIDS: Final = np.isin(AU_NUMBERS, (5, 7))
_LIPS: Final = np.isin(AU_NUMBERS, (25, 26))
_UPPER: Final = np.isin(AU_NUMBERS, (1, 2, 4, 5, 6, 7))
_IN_SPEECH: Final = np.isin(AU_NUMBERS, (6, *range(9, 29)))
"""What a speaking mouth and its cheeks move."""


@dataclass(frozen=True, slots=True)
class Bump:
    """A rise and fall of the face."""

    span: EventSpan
    height: float
    """FACS units."""
    lasts_s: float
    returns: float
    """Share of its height by which the face is back, before or after, whichever is less."""
    turn_deg: float
    """How far the head turns meanwhile."""

    @property
    def is_event(self) -> bool:
        """Whether it is a micro-expression."""
        shortest_s, longest_s = LASTS_S
        is_brief = shortest_s <= self.lasts_s <= longest_s
        return is_brief and self.returns >= RETURNS and self.turn_deg <= MOST_TURN_DEG


def spot_all(
    trace: FloatArray, pts_s: Floats, turns: FloatArray, peaks: slice = slice(None)
) -> list[Bump]:
    """All events of a trace f32 [N, sides, K], in order of time; hardly any overlap.

    Args:
        trace: Against the face at rest, FACS units.
        pts_s: Times f64 [N].
        turns: Yaw and pitch of the head, f32 [N, 2] in radians.
        peaks: Frames in which events have their apex; the others are their surroundings.
    """
    here = range(*peaks.indices(len(pts_s)))
    found = [bump for bump in bumps(trace, pts_s, turns) if bump.is_event]
    return sorted(
        (bump for bump in found if bump.span.apex in here), key=lambda bump: bump.span.apex
    )


def strongest_apart(ends: npt.ArrayLike, strengths: npt.ArrayLike) -> list[int]:
    """Which of some intervals, [n, 2] from begin to end, overlap no stronger one; strongest first.

    Windows that overlap may both name an event at the border of their peaks.
    """
    chosen: list[int] = []
    begins, stops = np.asarray(ends, dtype=np.float64).reshape(-1, 2).T
    for each in np.argsort(-np.asarray(strengths, dtype=np.float64), kind="stable").tolist():
        if not np.any((begins[chosen] <= stops[each]) & (begins[each] <= stops[chosen])):
            chosen.append(each)
    return chosen


def bumps(trace: FloatArray, pts_s: Floats, turns: FloatArray) -> Iterator[Bump]:
    """Whatever stands out, the highest first; of two that overlap the lower is left out."""
    pts_s = _without_gaps(pts_s)
    counted = expressive(trace, pts_s, turns)
    rise = smoothed(np.linalg.norm(counted, axis=1) / np.sqrt(trace.shape[1]), pts_s)
    floor = max(FLOOR, STANDS_OUT * float(np.median(rise)))
    left, taken = rise.copy(), np.zeros(len(rise), dtype=np.bool_)
    while left[peak := int(left.argmax())] >= floor:
        near = np.abs(pts_s - pts_s[peak]) <= MAX_HALF_S
        foot = _part(surroundings(peak, near & (rise >= BOUNDARY * rise[peak])))
        top = _part(surroundings(peak, near & (rise > TOP * rise[peak])))
        span, lasts_s, returns = _fitted(counted, weighted(trace), pts_s, top)
        covered = _part((span.onset, span.offset))
        is_new = taken[covered].mean() <= _OVERLAP
        for part in (foot, covered) if is_new else (foot,):
            left[part], taken[part] = 0.0, True
        if is_new:
            turn_deg = float(np.rad2deg(np.ptp(turns[covered], axis=0)).max())
            yield Bump(span, float(rise[peak]), lasts_s, returns, turn_deg)


def expressive(trace: FloatArray, pts_s: Floats, turns: FloatArray) -> Floats:
    """What rises above the face at rest and nothing else explains, f64 [N, sides * K], FACS units.

    Falls do not count: an expression is something that comes, then goes.
    """
    change = trace - resting(trace, pts_s)
    blink = change[:, :, _BLINK].max(axis=1)
    away_deg = np.rad2deg(np.abs(turns - resting(turns, pts_s)).max(axis=1))
    change[:, :, _UPPER] -= PER_BLINK * np.maximum(blink, 0.0)[:, None, None]
    change -= PER_DEGREE * away_deg[:, None, None]
    speaks = _near(_lip_travel(trace, pts_s) > SPEECH, pts_s, AROUND_SPEECH_S)
    blinks = _near(blink > CLOSING, pts_s, AROUND_BLINK_S)
    hidden = (speaks[:, None] & _IN_SPEECH) | (blinks[:, None] & _LIDS)
    change[:, :, _LIDS] *= LIDS_SHARE
    return weighted(np.where(hidden[:, None], 0.0, np.maximum(change, 0.0)))


def resting(trace: Rows, pts_s: Floats) -> Floats:
    """Running median over `REST_S` of a trace [N, ...]; the same at any frame rate."""
    times = np.arange(pts_s[0], pts_s[-1] + _STEP_S, _STEP_S)
    even = _at(times, pts_s, trace.reshape(len(trace), -1))
    half = round(REST_S / 2 / _STEP_S)
    padded = np.pad(even, ((half, half), (0, 0)), "edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return _at(pts_s, times, np.median(views, axis=-1)).reshape(trace.shape)


def _fitted(
    counted: Floats, raw: Floats, pts_s: Floats, top: slice
) -> tuple[EventSpan, float, float]:
    """What a rise and a fall fitted to all units together say about the frames of a peak.

    Returns the span, how long it lasts in seconds, and by which share of it the face returns.
    """
    direction = counted[top].mean(axis=0)
    direction /= max(float(np.linalg.norm(direction)), _NEXT_TO_NOTHING)
    apex, rise_s, fall_s = locate(counted @ direction, pts_s, top.start, top.stop - 1)
    begins, ends = np.abs(pts_s[:, None] - pts_s[apex] - [-rise_s, fall_s]).argmin(axis=0)
    span = EventSpan(min(int(begins), apex), apex, max(int(ends), apex))
    level = raw @ direction
    before = (pts_s >= pts_s[span.onset] - _BESIDE_S) & (pts_s <= pts_s[span.onset])
    after = (pts_s >= pts_s[span.offset]) & (pts_s <= pts_s[span.offset] + _BESIDE_S)
    foot = max(np.median(level[before]), np.median(level[after]))
    most = max(float(np.linalg.norm(counted[top], axis=1).max()), _NEXT_TO_NOTHING)
    return span, rise_s + fall_s, float(level[top].max() - foot) / most


def _lip_travel(trace: FloatArray, pts_s: Floats) -> Floats:
    """How far lips move to and fro within `REST_S` about each frame, f64 [N], FACS units."""
    times = np.arange(pts_s[0], pts_s[-1] + _STEP_S, _STEP_S)
    lips = _at(times, pts_s, trace[:, :, _LIPS].mean(axis=1))
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(lips, axis=0)).sum(axis=1))])
    travel = np.interp(pts_s + REST_S / 2, times, way) - np.interp(pts_s - REST_S / 2, times, way)
    return np.asarray(travel)


def _without_gaps(pts_s: Floats) -> Floats:
    """The same clock, stopped while nothing is seen: a face may be away for an hour."""
    steps = np.minimum(np.diff(pts_s, prepend=pts_s[0]), _LONGEST_STEP_S)
    return np.asarray(np.cumsum(steps))


def _near(mask: Mask, pts_s: Floats, within_s: float) -> Mask:
    """Frames within so many seconds of one of a mask."""
    begins = np.searchsorted(pts_s, pts_s[mask] - within_s)
    ends = np.searchsorted(pts_s, pts_s[mask] + within_s, side="right")
    steps = np.bincount(begins, minlength=len(pts_s) + 1)
    steps -= np.bincount(ends, minlength=len(pts_s) + 1)
    return np.asarray(np.cumsum(steps)[:-1] > 0)


def _at(times_s: Floats, pts_s: Floats, rows: Rows) -> Floats:
    """Rows [N, D] at other times."""
    return np.stack([np.interp(times_s, pts_s, column) for column in rows.T], axis=-1)


def _part(ends: tuple[int, int]) -> slice:
    """Frames from the first to the last of these."""
    return slice(ends[0], ends[1] + 1)
