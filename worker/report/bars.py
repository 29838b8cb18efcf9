"""The probability bars panel."""

from functools import partial
from typing import Final

from matplotlib.axes import Axes

from worker.contract import AnalysisReport
from worker.report.style import ACCENT, BACKDROP, INK, MUTED, QUIET, clean

_GAP: Final = 1.3
"""Rows between the classes and the coarse ones."""
_THICKNESS: Final = 0.68


def draw_bars(axes: Axes, report: AnalysisReport) -> None:
    """Classes, most likely first, and the coarse ones of an event; nothing where none are known."""
    prediction = report.prediction
    if prediction is None:
        axes.set_axis_off()
        return
    classes, coarse = prediction.probabilities, prediction.coarse
    below = len(classes) + _GAP
    _draw_group(axes, classes, 0.0)
    if report.events:
        _draw_group(axes, coarse, below)
        axes.text(-0.04, below - 0.95, "coarse:", fontsize=9, color=MUTED, ha="right", va="center")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(below + len(coarse) - 0.4, -0.6)
    clean(axes)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_group(axes: Axes, shares: dict[str, float], first_row: float) -> None:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    for place, (name, share) in enumerate(ordered):
        row = first_row + place
        is_first = place == 0
        axes.barh(row, 1.0, color=BACKDROP, height=_THICKNESS)
        axes.barh(row, share, color=ACCENT if is_first else QUIET, height=_THICKNESS)
        write = partial(
            axes.text,
            color=INK if is_first else MUTED,
            fontsize=10,
            fontweight="bold" if is_first else "normal",
            va="center",
        )
        write(-0.04, row, name, ha="right")
        write(1.04, row, f"{share:.2f}")
