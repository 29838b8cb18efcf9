"""Results as tables for a terminal."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from worker.contract import ActionUnitTrace, AnalysisReport, Mode, Prediction

_BAR_WIDTH = 30
_STRONGEST = 6


def summary(report: AnalysisReport) -> Group:
    """The answer, its probabilities, the strongest action units and where the time went."""
    answer = [] if report.prediction is None else [_probabilities(report.prediction)]
    return Group(_headline(report), *answer, _action_units(report), _timings(report))


def _headline(report: AnalysisReport) -> RenderableType:
    clip, prediction = report.clip, report.prediction
    text = Text.assemble(
        (_answer(report) if prediction is None else prediction.label, "bold"),
        f" · {clip.frames} frames in {clip.duration_s:.2f} s",
        f" · {report.adequacy.verdict}: {report.adequacy.reason}\n",
    )
    for event in report.events:
        text.append(
            f"event: onset {event.onset_s:.2f} s, apex {event.apex_s:.2f} s, "
            f"offset {event.offset_s:.2f} s\n"
        )
        text.append(f"  {event.evidence}\n" if event.evidence else "")
    if not report.events:
        text.append("no event was spotted\n")
    for face in report.faces[1:]:
        answer = "action units alone" if face.prediction is None else face.prediction.label
        text.append(f"face {face.track_id}: {answer}, events: {len(face.events)}\n")
    return text


def _answer(report: AnalysisReport) -> str:
    """What is said where no emotion is."""
    has_none = report.mode is Mode.SPOT and not report.events
    return "no micro-expression" if has_none else "action units alone"


def _probabilities(prediction: Prediction) -> Table:
    table = _table("Class", "Probability", "")
    for label, value in _descending(prediction.probabilities):
        table.add_row(label, f"{value:.3f}", _bar(value))
    return table


def _action_units(report: AnalysisReport) -> Table:
    table = _table("Action unit", "Peak", "at", caption=report.action_units.scale)
    peaks = sorted(_peaks(report.action_units), key=lambda peak: -abs(peak[1]))
    for name, intensity, pts_s in peaks[:_STRONGEST]:
        table.add_row(name, f"{intensity:+.2f}", f"{pts_s:.2f} s")
    return table


def _timings(report: AnalysisReport) -> Table:
    table = _table("Stage", "ms", "")
    longest_ms = max(report.timings_ms.values(), default=1.0)
    for stage, spent_ms in _descending(report.timings_ms):
        table.add_row(stage, f"{spent_ms:.0f}", _bar(spent_ms / longest_ms))
    return table


def _peaks(trace: ActionUnitTrace) -> Iterator[tuple[str, float, float]]:
    """Name, strongest intensity and its time for every AU that was measured."""
    for column, name in enumerate(trace.names):
        measured = [(row.intensity[column], row.pts_s) for row in trace.frames if row.intensity]
        if measured:
            intensity, pts_s = max(measured, key=lambda pair: abs(pair[0]))
            yield name, intensity, pts_s


def _descending(values: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: -item[1])


def _bar(share: float) -> Text:
    return Text("█" * round(share * _BAR_WIDTH), style="cyan")


def _table(first: str, second: str, third: str, caption: str | None = None) -> Table:
    table = Table(caption=caption, caption_justify="left")
    table.add_column(first)
    table.add_column(second, justify="right")
    table.add_column(third)
    return table
