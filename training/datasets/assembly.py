"""From rows of a sheet and folders of frames to clips of the manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.datasets.action_units import FULL_WIDTH, ActionUnit, parse
from training.datasets.clip import ClipRow, DatasetName
from training.datasets.emotions import coarse_of, is_known
from training.datasets.finding import Kind
from training.datasets.fixes import Fixes
from training.datasets.reading import Reading
from training.datasets.record import Record
from training.datasets.tree import frame_files


@dataclass(frozen=True, slots=True)
class Traits:
    """What holds for all clips of a data set. `people` is the prefix of its subjects."""

    dataset: DatasetName
    people: str
    fps: float | None
    has_apex: bool = True
    has_emotion: bool = True


def put_right(records: list[Record], fixes: Fixes, reading: Reading) -> list[Record]:
    """Apply the known fixes, or say why not."""
    if not fixes:
        return records
    if len(records) != fixes.rows:
        reading.note(
            Kind.FIXES_NOT_APPLIED,
            "sheet",
            f"{len(records)} rows; the known fixes are for the sheet of {fixes.rows}",
        )
        return records
    right = []
    for before, after in fixes.applied(records):
        if after != before:
            reading.note(Kind.ROW_FIXED, _place(before), _difference(before, after))
        right.append(after)
    return right


def assemble(
    traits: Traits, records: list[Record], roots: list[Path], reading: Reading
) -> Iterator[ClipRow]:
    """Clips of the rows, one each; `roots` are searched in order for their frames."""
    seen: dict[str, Record] = {}
    for record in records:
        if not record.subject or not record.clip:
            reading.note(Kind.INCOMPLETE_ROW, _place(record), "no subject or file name")
            continue
        clip_id = f"{traits.dataset}:{record.subject}/{record.clip}"
        if clip_id in seen:
            earlier = seen[clip_id]
            detail = "the same as" if _same(record, earlier) else "contradicts"
            reading.note(
                Kind.DUPLICATE_ROW, _place(record), f"{clip_id}: {detail} row {earlier.number}"
            )
            continue
        seen[clip_id] = record
        yield _clip(traits, record, clip_id, roots, reading)


def _clip(
    traits: Traits, record: Record, clip_id: str, roots: list[Path], reading: Reading
) -> ClipRow:
    folder, numbers = _frames(record, roots)
    if roots and folder is None:
        reading.note(Kind.MISSING_CLIP, clip_id, f"no folder {record.folders[0]}")
    if folder is not None and not numbers:
        reading.note(Kind.EMPTY_CLIP, clip_id, f"no images in {folder}")
    _check_frames(traits, record, numbers, reading)
    if traits.has_emotion and not is_known(record.emotion):
        reading.note(Kind.UNKNOWN_EMOTION, _place(record), f"emotion {record.emotion!r}")
    return ClipRow(
        dataset=traits.dataset,
        subject=f"{traits.people}:{record.subject}",
        clip_id=clip_id,
        path=folder if numbers else None,
        frames=len(numbers),
        fps=traits.fps,
        onset=record.onset,
        apex=record.apex,
        offset=record.offset,
        emotion=record.emotion,
        coarse=coarse_of(record.emotion),
        aus=_units(record, reading),
        has_depth=folder is not None and (folder.parent / "depth").is_dir(),
    )


def _frames(record: Record, roots: list[Path]) -> tuple[Path | None, list[int]]:
    """The first folder whose frames hold the onset, or else the first that is there."""
    found: tuple[Path | None, list[int]] = (None, [])
    for folder in (path for root in roots for path in _candidates(root, record)):
        if folder.is_dir():
            numbers = [number for number, _ in frame_files(folder)]
            if record.onset in numbers:
                return folder, numbers
            if not found[1]:
                found = (folder, numbers)
    return found


def _candidates(root: Path, record: Record) -> Iterator[Path]:
    for name in record.folders:
        path = root / name.removesuffix("*")
        if name.endswith("*") and path.parent.is_dir():
            yield from sorted(p for p in path.parent.iterdir() if p.name.startswith(path.name))
        else:
            yield path


def _check_frames(traits: Traits, record: Record, numbers: list[int], reading: Reading) -> None:
    place = _place(record)
    frames = {"onset": record.onset, "apex": record.apex, "offset": record.offset}
    for name, number in frames.items():
        if number is None and name != "apex":
            reading.note(Kind.MISSING_FRAME, place, f"no {name}")
        elif number is None and traits.has_apex:
            reading.note(Kind.MISSING_APEX, place, "no apex")
        elif number is not None and numbers and number not in numbers:
            span = f"{numbers[0]}..{numbers[-1]}"
            reading.note(Kind.FRAME_OUTSIDE, place, f"{name} {number} is no frame of {span}")
    known = [number for number in frames.values() if number is not None]
    if known != sorted(known):
        reading.note(Kind.FRAME_ORDER, place, f"onset, apex, offset are {known}")


def _units(record: Record, reading: Reading) -> tuple[ActionUnit, ...]:
    coding = parse(record.aus)
    if coding.unread:
        told = ", ".join(coding.unread)
        reading.note(Kind.UNREAD_AU, _place(record), f"{told} in {record.aus!r}")
    if FULL_WIDTH.intersection(record.aus):
        reading.note(Kind.FULL_WIDTH_AU, _place(record), f"read {record.aus!r} all the same")
    return coding.units


def _place(record: Record) -> str:
    return f"row {record.number}"


def _same(one: Record, other: Record) -> bool:
    return (one.onset, one.apex, one.offset, one.emotion, one.aus) == (
        other.onset,
        other.apex,
        other.offset,
        other.emotion,
        other.aus,
    )


def _difference(before: Record, after: Record) -> str:
    names = ("onset", "apex", "offset", "aus")
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return ", ".join(
        f"{name} {getattr(before, name)} -> {getattr(after, name)}" for name in changed
    )
