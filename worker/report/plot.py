"""The result as one picture: AU traces and class probabilities, key frames above if there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from textwrap import fill
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from worker.contract import AnalysisReport, Event, Mode
from worker.report.bars import draw_bars
from worker.report.keyframes import Change, KeyFrame, change
from worker.report.style import INK, MUTED, VERDICTS, drawable, write_after
from worker.report.traces import draw_traces

SIZE_IN: Final = (13.333, 7.5)
"""A 16:9 slide."""
DPI: Final = 150
_LONGEST_NAME = 48
_LONGEST_MODEL = 70
_REASON_WIDTH = 88
_FAINT_BLACK = -600.0


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the panels lie, in shares of the figure: left, bottom, width, height."""

    names_at: float
    traces: tuple[float, float, float, float]
    bars: tuple[float, float, float, float]


_BELOW_FRAMES: Final = _Layout(0.474, (0.05, 0.14, 0.5, 0.272), (0.838, 0.105, 0.1, 0.32))
_ALONE: Final = _Layout(0.815, (0.05, 0.16, 0.5, 0.575), (0.838, 0.16, 0.1, 0.6))


def draw(report: AnalysisReport, name: str, frames: Sequence[KeyFrame] = ()) -> bytes:
    """A result as a PNG of 2000 x 1125 pixels.

    Args:
        report: What is drawn.
        name: What the clip is called, in the corner.
        frames: Pictures of the clip. Without them the picture shows nobody's face.
    """
    figure = Figure(figsize=SIZE_IN, facecolor="white")
    FigureCanvasAgg(figure)
    layout = _BELOW_FRAMES if frames else _ALONE
    _draw_heading(figure, report, name)
    if frames:
        _draw_key_frames(figure, frames, change(frames))
    _draw_panel_names(figure, report, layout.names_at)
    draw_traces(figure.add_axes(layout.traces), report)
    draw_bars(figure.add_axes(layout.bars), report)
    _draw_caption(figure, report)
    png = BytesIO()
    figure.savefig(png, dpi=DPI, format="png")
    return png.getvalue()


def _draw_heading(figure: Figure, report: AnalysisReport, clip_name: str) -> None:
    clip = report.clip
    title, explained = _answer(report)
    about = f"{clip.frames} frames, {clip.fps:.4g} per second, {clip.width} × {clip.height}"
    left = partial(figure.text, 0.03, va="center")
    left(0.962, title, fontsize=24, fontweight="bold", color=INK)
    left(0.925, explained, fontsize=13, color=MUTED)
    if report.events:
        left(0.896, report.events[0].evidence, fontsize=10.5, color=INK)
    # A file name may hold dollar signs, which otherwise begin mathematics.
    right = partial(figure.text, 0.97, ha="right", va="center", parse_math=False)
    right(0.959, drawable(_shorten(clip_name, _LONGEST_NAME)), fontsize=12, color=INK)
    right(0.925, about, fontsize=10, color=MUTED)


def _answer(report: AnalysisReport) -> tuple[str, str]:
    """The result in a few words, and in a few more."""
    prediction = report.prediction
    if prediction is None:
        return _movement(report)
    share = f"{prediction.label}, {prediction.probabilities[prediction.label]:.0%}"
    if not report.events:
        return "No micro-expression found", share
    when = _when(report.events[0])
    if prediction.abstained:
        return "Undecided", f"{share}; {when}"
    return share.capitalize(), when


def _movement(report: AnalysisReport) -> tuple[str, str]:
    """The same where no emotion was inferred."""
    if not report.events:
        is_search = report.mode is Mode.SPOT
        return (
            ("No micro-expression found", "in all of the clip")
            if is_search
            else ("No movement found", "action units alone")
        )
    return "Action units", _when(report.events[0])


def _when(event: Event) -> str:
    lasting_ms = (event.offset_s - event.onset_s) * 1000
    return f"apex at {event.apex_s:.2f} s, lasting {lasting_ms:.0f} ms"


def _draw_panel_names(figure: Figure, report: AnalysisReport, height: float) -> None:
    bold = partial(figure.text, y=height, fontsize=12, fontweight="bold", color=INK, va="center")
    write_after(bold(x=0.03, s="Action units"), report.action_units.scale, fontsize=10)
    if report.prediction is not None:
        write_after(bold(x=0.762, s="Probabilities"), report.prediction.confidence, fontsize=10)


def _draw_key_frames(figure: Figure, frames: Sequence[KeyFrame], changed: Change | None) -> None:
    width = 0.17
    height = width * SIZE_IN[0] / SIZE_IN[1]
    for column in range(len(frames) + 1):
        axes = figure.add_axes((0.03 + column * 0.1925, 0.525, width, height))
        axes.set_axis_off()
        if column < len(frames):
            _show_frame(axes, frames[column])
        else:
            _show_change(axes, changed)


def _show_frame(axes: Axes, frame: KeyFrame) -> None:
    if frame.picture is None:
        _show_nothing(axes, frame.name)
        return
    axes.imshow(frame.picture, interpolation="lanczos")
    _name_picture(axes, frame.name, f"{frame.pts_s:.2f} s")


def _show_change(axes: Axes, changed: Change | None) -> None:
    if changed is None:
        _show_nothing(axes, "change")
        return
    axes.imshow(changed.face, cmap="gray", vmin=_FAINT_BLACK, vmax=255, interpolation="lanczos")
    share = (np.abs(changed.levels) / changed.span).clip(0.0, 1.0)
    axes.imshow(
        changed.levels, cmap="PuOr", vmin=-changed.span, vmax=changed.span, alpha=np.sqrt(share)
    )
    _name_picture(axes, changed.name, f"× {127 / changed.span:.1f}")


def _show_nothing(axes: Axes, name: str) -> None:
    axes.imshow([[0.5]], cmap="gray", vmin=-5.0, vmax=1.0)
    _name_picture(axes, name, "not decoded")


def _name_picture(axes: Axes, name: str, value: str) -> None:
    axes.text(0.0, 1.025, name, fontsize=11, fontweight="bold", color=INK, transform=axes.transAxes)
    axes.text(1.0, 1.025, value, fontsize=10, color=MUTED, ha="right", transform=axes.transAxes)


def _draw_caption(figure: Figure, report: AnalysisReport) -> None:
    adequacy, model = report.adequacy, report.model
    verdict = figure.text(
        0.03,
        0.035,
        f"Frame rate {adequacy.verdict}",
        fontsize=9.5,
        fontweight="bold",
        color=VERDICTS[adequacy.verdict],
        va="center",
    )
    reason = fill(adequacy.reason, _REASON_WIDTH, max_lines=2, placeholder=" …")
    write_after(verdict, reason, fontsize=9.5)
    about = f"{model.name} {model.version} · {model.digest[:14]} · {', '.join(model.trained_on)}"
    quiet = partial(figure.text, color=MUTED, fontsize=9.5, ha="right", va="center")
    quiet(0.97, 0.035, drawable(_shorten(about, _LONGEST_MODEL)), parse_math=False)


def _shorten(text: str, longest: int) -> str:
    """The text with its middle left out where it is longer than `longest`."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
