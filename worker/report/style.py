"""Colours and small graphics rules of the result plot, safe for the colour-blind."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Annotation, Text

INK: Final = "#1b1f24"
MUTED: Final = "#6a737d"
FAINT: Final = "#d3d7dc"
GRID: Final = "#e9ecef"
QUIET: Final = "#aab4be"
BACKDROP: Final = "#f1f3f5"
ACCENT: Final = "#0072B2"
SERIES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette without yellow, which vanishes on white."""
VERDICTS: Final = {"good": "#009E73", "coarse": "#B37700", "inadequate": "#D55E00"}
_REPLACEMENT = "�"


def clean(axes: Axes) -> None:
    """Leave of the frame only what is read: no box, quiet ticks."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=0, labelsize=9, labelcolor=MUTED, pad=5)


def drawable(text: str) -> str:
    """The text with a replacement character for everything the plot's font cannot draw."""
    font = get_font(findfont(FontProperties()))
    return "".join(c if font.get_char_index(ord(c)) else _REPLACEMENT for c in text)


def write_after(text: Text, more: str, fontsize: float) -> None:
    """Write quiet text to the right of another text, however long that is."""
    figure = text.get_figure(root=True)
    if figure is None:
        raise ValueError("the text is in no figure")
    figure.add_artist(
        Annotation(
            more,
            xy=(1.0, 0.5),
            xycoords=text,
            xytext=(9.0, 0.0),
            textcoords="offset points",
            fontsize=fontsize,
            color=MUTED,
            va="center",
        )
    )


def spread(
    wanted: npt.NDArray[np.float64], gap: float, low: float, high: float
) -> npt.NDArray[np.float64]:
    """Label positions as close to `wanted` as `gap` between neighbours and the limits allow.

    Where there is not enough room for all gaps the labels are spaced evenly.
    """
    count = len(wanted)
    if count == 0:
        return wanted
    gap = min(gap, (high - low) / max(count - 1, 1))
    order = wanted.argsort(kind="stable")
    steps = gap * np.arange(count)
    # Without the steps the task is a non-decreasing fit, which merging neighbours solves exactly.
    target = wanted[order] - steps
    blocks: list[list[float]] = []
    for value in target:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1].extend(last)
    fitted = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    placed = np.empty(count)
    placed[order] = fitted.clip(low, high - steps[-1]) + steps
    return placed
