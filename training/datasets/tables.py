"""The report of a check as tables for a person, and as JSON for a script."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.datasets.check import Report, emotions_of
from training.datasets.clip import ClipRow, DatasetName
from training.datasets.finding import SEVERITY, Finding, Kind, Severity
from training.datasets.published import PUBLISHED
from training.protocols.composite import COUNTS, megc2019
from training.protocols.sample import Counts

_SHOWN = 3
_COLOUR = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def show(report: Report, console: Console, *, everything: bool, subjects: bool) -> None:
    """Counts per data set and class, the composite, then findings by kind."""
    for name, reading in report.readings.items():
        console.print(_dataset(name, reading.clips))
        if subjects:
            console.print(_subjects(name, reading.clips))
    if report.composite:
        console.print(_composite(report))
    for (kind, about), findings in _grouped(report).items():
        shown = findings if everything else findings[:_SHOWN]
        colour = _COLOUR[SEVERITY[kind]]
        head = f"{SEVERITY[kind]}: {kind} ({about}, {len(findings)})"
        console.print(f"[{colour}]{escape(head)}[/]")
        for finding in shown:
            console.print(f"  {escape(f'{finding.where}: {finding.detail}')}", soft_wrap=True)
        if len(shown) < len(findings):
            console.print(f"  and {len(findings) - len(shown)} more (--all shows them)")
    if not report.findings:
        console.print("nothing odd")


def to_json(report: Report) -> str:
    """The same as one object."""
    document = {
        "root": str(report.root),
        "datasets": {
            name: {
                "clips": len(reading.clips),
                "with_frames": sum(clip.path is not None for clip in reading.clips),
                "subjects": dict(sorted(Counter(c.subject for c in reading.clips).items())),
                "emotions": dict(emotions_of(reading.clips)),
                "published": {
                    "clips": PUBLISHED[name].clips,
                    "subjects": PUBLISHED[name].subjects,
                    "emotions": dict(PUBLISHED[name].emotions),
                },
            }
            for name, reading in report.readings.items()
        },
        "megc2019": {
            name: {"classes": dict(counts.classes), "subjects": counts.subjects}
            for name, counts in report.composite.items()
        },
        "findings": [
            {
                "severity": finding.severity,
                "kind": finding.kind,
                "about": finding.about,
                "where": finding.where,
                "detail": finding.detail,
            }
            for finding in report.findings
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _dataset(name: DatasetName, clips: list[ClipRow]) -> Table:
    published = PUBLISHED[name]
    usable = [clip for clip in clips if clip.path is not None]
    table = Table("class", "found", "with frames", "published", title=name, title_justify="left")
    found, framed = emotions_of(clips), emotions_of(usable)
    labels = dict.fromkeys([*published.emotions, *sorted(found)])
    for label in labels:
        expected = published.emotions.get(label, 0) if published.emotions else None
        table.add_row(escape(label), *_numbers(found[label], framed[label], expected))
    table.add_section()
    table.add_row("clips", *_numbers(len(clips), len(usable), published.clips))
    people = [len({clip.subject for clip in some}) for some in (clips, usable)]
    table.add_row("subjects", *_numbers(people[0], people[1], published.subjects))
    return table


def _subjects(name: DatasetName, clips: list[ClipRow]) -> Table:
    table = Table("subject", "clips", "classes", title=f"{name}, people", title_justify="left")
    of_subject: dict[str, list[ClipRow]] = defaultdict(list)
    for clip in clips:
        of_subject[clip.subject].append(clip)
    for subject, own in sorted(of_subject.items()):
        told = ", ".join(f"{label} {n}" for label, n in sorted(emotions_of(own).items()))
        table.add_row(escape(subject), str(len(own)), escape(told))
    return table


def _composite(report: Report) -> Table:
    """Data sets side by side, and the whole where all of it is there."""
    labels = ("negative", "positive", "surprise")
    columns = {
        str(name): _counted([counts], [COUNTS[name]], report.readings[name].clips, labels)
        for name, counts in report.composite.items()
    }
    if len(report.composite) == len(COUNTS):
        found, published = report.composite.values(), COUNTS.values()
        columns["full"] = _counted(found, published, report.clips, labels)
    table = Table("MEGC 2019", *columns)
    heads = (*labels, "clips", "subjects", "with frames", "published")
    for head, *cells in zip(heads, *columns.values(), strict=True):
        table.add_row(head, *cells)
    return table


def _counted(
    found: Iterable[Counts],
    published: Iterable[Counts],
    clips: Iterable[ClipRow],
    labels: Iterable[str],
) -> list[str]:
    parts, expected = tuple(found), tuple(published)
    framed = megc2019(clip for clip in clips if clip.path is not None)
    return [
        *(str(sum(counts.classes[label] for counts in parts)) for label in labels),
        str(sum(counts.total for counts in parts)),
        str(sum(counts.subjects for counts in parts)),
        str(len(framed)),
        f"{sum(c.total for c in expected)} of {sum(c.subjects for c in expected)}",
    ]


def _numbers(found: int, framed: int, expected: int | None) -> tuple[str, str, str]:
    if expected is None:
        return str(found), str(framed), "-"
    mark = "" if found == expected else " [yellow]≠[/]"
    return f"{found}{mark}", str(framed), str(expected)


def _grouped(report: Report) -> dict[tuple[Kind, str], list[Finding]]:
    groups: dict[tuple[Kind, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        groups[finding.kind, finding.about].append(finding)
    return groups
