"""All data sets below a folder: what is there, and how it compares with what was published."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.datasets.clip import ClipRow, DatasetName
from training.datasets.emotions import canonical
from training.datasets.finding import Finding, Kind, Severity
from training.datasets.published import PUBLISHED, Published
from training.datasets.reading import Adapter, Reading
from training.datasets.registry import ADAPTERS
from training.datasets.tree import Tree, survey
from training.protocols.composite import COUNTS, megc2019
from training.protocols.sample import Counts, count


@dataclass(frozen=True, slots=True)
class Report:
    """Readings of the data sets that are there, and everything found, errors first."""

    root: Path
    readings: Mapping[DatasetName, Reading]
    findings: tuple[Finding, ...]
    composite: Mapping[DatasetName, Counts]
    """MEGC 2019: clips and people of each of its data sets that is there."""

    @property
    def clips(self) -> tuple[ClipRow, ...]:
        """Of all data sets."""
        return tuple(clip for reading in self.readings.values() for clip in reading.clips)

    @property
    def has_errors(self) -> bool:
        """Whether clips are missing or unusable."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def check(root: Path, wanted: Iterable[DatasetName] = ()) -> Report:
    """Read the `wanted` data sets, or all that are there. Raises NotADirectoryError."""
    tree = survey(root)
    names = tuple(wanted) or tuple(ADAPTERS)
    readings = {name: _read(ADAPTERS[name], tree) for name in names}
    present = {name: reading for name, reading in readings.items() if reading.present}
    findings = [finding for reading in present.values() for finding in reading.findings]
    for name, reading in present.items():
        findings += _compared(name, reading.clips, PUBLISHED[name])
    absent = [name for name in wanted if name not in present] if wanted else []
    findings += [_nothing(root, name) for name in absent]
    if not present and not absent:
        findings.append(_nothing(root, "any data set"))
    composite = _composite(present)
    findings += _compared_composite(composite)
    order = list(Severity)
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Report(root, present, tuple(findings), composite)


def emotions_of(clips: Iterable[ClipRow]) -> Counter[str]:
    """Clips per emotion, words of the sheets made one."""
    return Counter(canonical(clip.emotion) for clip in clips if clip.emotion)


def _read(adapter: Adapter, tree: Tree) -> Reading:
    try:
        return adapter.read(tree)
    except OSError as exc:  # no right to look into a folder, or a disk that fails
        reading = Reading(adapter.dataset, present=True)
        reading.note(Kind.UNREADABLE_FOLDER, str(exc.filename), str(exc.strerror))
        return reading


def _nothing(root: Path, about: str) -> Finding:
    return Finding(Kind.NOTHING_FOUND, about, str(root), "neither its sheet nor its folders")


def _compared(name: str, clips: list[ClipRow], published: Published) -> list[Finding]:
    if not clips:  # one line says as much as one for every class
        return _differences(name, {"clips": (0, published.clips)})
    emotions = emotions_of(clips)
    pairs = {label: (emotions[label], count) for label, count in published.emotions.items()}
    if published.emotions:
        pairs |= {label: (n, 0) for label, n in emotions.items() if label not in pairs}
    pairs["clips"] = (len(clips), published.clips)
    if published.subjects is not None:
        pairs["subjects"] = (len({clip.subject for clip in clips}), published.subjects)
    return _differences(name, pairs)


def _composite(present: Mapping[DatasetName, Reading]) -> dict[DatasetName, Counts]:
    members = {name: present[name].clips for name in COUNTS if name in present}
    return {name: count(megc2019(clips)) for name, clips in members.items()}


def _compared_composite(found: Mapping[DatasetName, Counts]) -> list[Finding]:
    findings = []
    for name, counts in found.items():
        published = COUNTS[name]
        pairs = {
            label: (counts.classes[label], expected)
            for label, expected in published.classes.items()
        }
        pairs["subjects"] = (counts.subjects, published.subjects)
        findings += _differences(f"megc2019/{name}", pairs)
    return findings


def _differences(about: str, pairs: Mapping[str, tuple[int, int]]) -> list[Finding]:
    return [
        Finding(Kind.COUNT_DIFFERS, about, label, f"{found} found, {expected} published")
        for label, (found, expected) in pairs.items()
        if found != expected
    ]
