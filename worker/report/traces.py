"""The AU traces panel: who moves, when, and how much."""

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from worker.contract import ActionUnitTrace, AnalysisReport, Event
from worker.report.style import ACCENT, FAINT, GRID, INK, MUTED, SERIES, clean, spread

ACTION: Final = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU45": "blink",
}
"""What the muscle does, as FACS names it."""
MOST: Final = len(SERIES)
_WORTH_COLOUR = 0.25
_SHARE_OF_STRONGEST = 0.15
_LABEL_GAP = 0.095
_LOWEST_TOP = 1.0
_DENSE = 200
_LONG_S = 6.0


@dataclass(frozen=True, slots=True)
class Traces:
    """Times f64 [N] in seconds and intensities f64 [N, K], NaN where a frame has none."""

    times: npt.NDArray[np.float64]
    intensity: npt.NDArray[np.float64]

    @classmethod
    def of(cls, trace: ActionUnitTrace) -> "Traces":
        """The rows of a result as arrays."""
        missing = [np.nan] * len(trace.names)
        rows = [missing if row.intensity is None else row.intensity for row in trace.frames]
        times = np.array([row.pts_s for row in trace.frames])
        return cls(times, np.array(rows, dtype=np.float64).reshape(len(times), len(trace.names)))

    def peaks(self, events: list[Event]) -> npt.NDArray[np.float64]:
        """The intensity furthest from 0 per AU, f64 [K]: inside the events, or anywhere if none."""
        inside = np.full(len(self.times), not events)
        for event in events:
            inside[event.onset_frame : event.offset_frame + 1] = True
        chosen = np.nan_to_num(self.intensity[inside])
        highest, lowest = chosen.max(axis=0, initial=0.0), chosen.min(axis=0, initial=0.0)
        return np.where(highest >= -lowest, highest, lowest)


def draw_traces(axes: Axes, report: AnalysisReport) -> None:
    """All AUs over time; the most active in colour with their names, events as bands."""
    names = report.action_units.names
    traces = Traces.of(report.action_units)
    peaks = traces.peaks(report.events[:1])
    strongest = np.abs(peaks).argsort()[::-1][:MOST]
    floor = max(_WORTH_COLOUR, _SHARE_OF_STRONGEST * float(np.abs(peaks).max(initial=0.0)))
    active = [int(k) for k in strongest if abs(peaks[k]) >= floor]
    for k in range(len(names)):
        if k not in active:
            axes.plot(traces.times, traces.intensity[:, k], color=FAINT, linewidth=0.9, zorder=2)
    width = 2.4 if len(traces.times) <= _DENSE else 1.6
    for k, colour in reversed(list(zip(active, SERIES, strict=False))):
        axes.plot(traces.times, traces.intensity[:, k], color=colour, linewidth=width, zorder=3)
    _set_up(axes, traces, report.events)
    if active:
        _name_lines(axes, {names[k]: float(peaks[k]) for k in active})
    elif np.isfinite(traces.intensity).any():
        quiet = f"nothing moves by {_WORTH_COLOUR} or more"
        axes.text(1.02, 0.5, quiet, color=MUTED, fontsize=10, transform=axes.transAxes)
    _draw_gaps(axes, report.action_units)
    for number, event in enumerate(report.events):
        _draw_event(axes, event, named=number == 0)


def _set_up(axes: Axes, traces: Traces, events: list[Event]) -> None:
    left, right = _window(traces.times, events)
    shown = traces.intensity[(traces.times >= left) & (traces.times <= right)]
    lowest = float(np.nan_to_num(shown).min(initial=0.0))
    highest = float(np.nan_to_num(shown).max(initial=_LOWEST_TOP))
    margin = 0.06 * (highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)
    axes.set_xlim(left, right)
    clean(axes)
    axes.axhline(0.0, color=FAINT, linewidth=1.0, zorder=1)
    axes.grid(axis="y", color=GRID, linewidth=0.8, zorder=0)
    whole = traces.times[-1] <= right
    more = "" if whole else f" (the clip lasts {traces.times[-1]:.1f} s)"
    axes.set_xlabel(f"time in s{more}", fontsize=10, color=MUTED)


def _window(times: npt.NDArray[np.float64], events: list[Event]) -> tuple[float, float]:
    """The seconds shown: all, or the surroundings of the first event of a long clip."""
    first, last = float(times[0]), float(times[-1])
    if not events or last - first <= _LONG_S:
        return first, max(last, first + 1e-3)
    middle = (events[0].onset_s + events[0].offset_s) / 2
    left = min(max(first, middle - _LONG_S / 2), last - _LONG_S)
    return left, left + _LONG_S


def _name_lines(axes: Axes, peaks: dict[str, float]) -> None:
    """Name, peak and muscle action to the right of the axes, at the height of the peak."""
    low, high = axes.get_ylim()
    wanted = (np.array(list(peaks.values())) - low) / (high - low)
    heights = spread(wanted, _LABEL_GAP, 0.02, 0.98)
    for (name, peak), height, colour in zip(peaks.items(), heights, SERIES, strict=False):
        bold = partial(axes.text, color=colour, fontsize=11, fontweight="bold", va="center")
        bold(1.015, height, name, transform=axes.transAxes)
        value = f"{peak:+.1f}".replace("-", "−")
        bold(1.155, height, value, transform=axes.transAxes, ha="right")
        action = ACTION.get(name, "")
        quiet = partial(axes.text, color=MUTED, fontsize=9.5, va="center")
        quiet(1.17, height, action, transform=axes.transAxes)


def _draw_event(axes: Axes, event: Event, *, named: bool) -> None:
    axes.axvspan(event.onset_s, event.apex_s, color=ACCENT, alpha=0.13, linewidth=0, zorder=0)
    axes.axvspan(event.apex_s, event.offset_s, color=ACCENT, alpha=0.06, linewidth=0, zorder=0)
    moments = {"onset": event.onset_s, "apex": event.apex_s, "offset": event.offset_s}
    for time_s in moments.values():
        axes.axvline(time_s, color=INK, linewidth=0.8, alpha=0.55, zorder=1)
    if not named:
        return
    left, right = axes.get_xlim()
    at = (np.array(list(moments.values())) - left) / (right - left)
    for name, exact, place in zip(moments, at, spread(at, 0.065, 0.03, 0.97), strict=True):
        axes.plot(
            [exact, place],
            [1.0, 1.035],
            color=INK,
            alpha=0.55,
            linewidth=0.8,
            clip_on=False,
            transform=axes.transAxes,
        )
        axes.text(
            place,
            1.045,
            name,
            ha="center",
            va="bottom",
            fontsize=10,
            color=INK,
            transform=axes.transAxes,
        )


def _draw_gaps(axes: Axes, trace: ActionUnitTrace) -> None:
    """Hatch the stretches of frames without intensities and say why."""
    times = [row.pts_s for row in trace.frames]
    ends = [*times[1:], times[-1]]
    reasons = set()
    timed = zip(trace.frames, ends, strict=True)
    for is_gap, stretch in groupby(timed, key=lambda pair: pair[0].intensity is None):
        if is_gap:
            rows = list(stretch)
            reasons |= {row.status.replace("_", " ") for row, _ in rows}
            begin, end = rows[0][0].pts_s, rows[-1][1]
            axes.axvspan(begin, end, facecolor="white", edgecolor=FAINT, hatch="////", linewidth=0)
    if reasons:
        axes.text(
            1.0,
            -0.13,
            f"hatched: {', '.join(sorted(reasons))}",
            ha="right",
            va="top",
            fontsize=9,
            color=MUTED,
            transform=axes.transAxes,
        )
