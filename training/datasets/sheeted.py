"""The adapter of data sets with one sheet and one folder of clips; each fills in its layout."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from training.datasets.assembly import Traits, assemble, put_right
from training.datasets.clip import DatasetName
from training.datasets.finding import Kind
from training.datasets.fixes import Fixes
from training.datasets.reading import Reading
from training.datasets.record import Record
from training.datasets.sheet import SheetError
from training.datasets.tree import FrameRoot, Tree, frame_files


@dataclass(frozen=True, slots=True)
class Sheeted:
    """One data set. `records` reads its sheet and may raise SheetError."""

    traits: Traits
    sheets: tuple[str, ...]
    frames: tuple[FrameRoot, ...]
    records: Callable[[Path], list[Record]]
    fixes: Fixes = field(default_factory=Fixes)

    @property
    def dataset(self) -> DatasetName:
        """Which one."""
        return self.traits.dataset

    def read(self, tree: Tree) -> Reading:
        """All clips that the sheet tells of, with their folders where they are there."""
        reading = Reading(self.dataset)
        sheet = choose_sheet(tree, self.sheets, reading)
        roots = [root for wanted in self.frames for root in tree.frame_roots(wanted)]
        reading.present = bool(sheet or roots or reading.findings)
        if not reading.present:
            return reading
        if sheet is None and not reading.findings:
            reading.note(Kind.MISSING_SHEET, str(tree.root), f"no {' or '.join(self.sheets)}")
        if not roots:
            names = " or ".join(wanted.name for wanted in self.frames)
            reading.note(Kind.MISSING_FOLDER, str(tree.root), f"no folder {names} with clips")
        if sheet is not None:
            self._read_sheet(sheet, roots, reading)
            self._look_for_extras(tree, reading)
        return reading

    def _read_sheet(self, sheet: Path, roots: list[Path], reading: Reading) -> None:
        try:
            records = self.records(sheet)
        except SheetError as exc:
            reading.note(exc.kind, sheet.name, str(exc))
            return
        records = put_right(records, self.fixes, reading)
        reading.clips.extend(assemble(self.traits, records, roots, reading))

    def _look_for_extras(self, tree: Tree, reading: Reading) -> None:
        used = {clip.path for clip in reading.clips}
        if not used - {None}:
            return
        for wanted in self.frames:
            for root in tree.frame_roots(wanted) if wanted.clips else ():
                folders = {path for path in root.glob(wanted.clips) if path.is_dir()}
                # A second, cropped copy of the frames is not looked into.
                extras = folders - used if folders & used else ()
                for folder in sorted(filter(frame_files, extras)):
                    reading.note(Kind.EXTRA_CLIP, str(folder), "no row of the sheet")


def choose_sheet(tree: Tree, patterns: tuple[str, ...], reading: Reading) -> Path | None:
    """The sheet of the data set, the last by name where there are several."""
    found = tree.sheets(patterns)
    if not found:
        old = tree.sheets(tuple(pattern.removesuffix("x") for pattern in patterns))
        for path in old:
            detail = "save it as .xlsx: the old binary format is not read"
            reading.note(Kind.OLD_SHEET_FORMAT, path.name, detail)
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:-1])
        reading.note(Kind.SEVERAL_SHEETS, found[-1].name, f"taken rather than {names}")
    return found[-1]
