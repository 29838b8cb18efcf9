"""SMIC, the short clips of its three cameras: labels are in the folders, there is no sheet.

`HS/s3/micro/surprise/s3_sur_01/image000123.jpg`, with `VIS` and `NIR` alike. A folder runs from
onset to offset; nobody coded an apex. The same people sit before all three cameras.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.datasets.assembly import Traits, assemble
from training.datasets.clip import DatasetName
from training.datasets.finding import Kind
from training.datasets.reading import Reading
from training.datasets.record import Record
from training.datasets.tree import FrameRoot, Tree, children, frame_files

_SUBJECT: Final = r"s\d{1,2}"
_CODES: Final = {"negative": "ne", "positive": "po", "surprise": "sur"}


@dataclass(frozen=True, slots=True)
class Smic:
    """One camera of SMIC. `folder` is its name on disk."""

    traits: Traits
    folder: str
    sheets: tuple[str, ...] = ()

    @property
    def dataset(self) -> DatasetName:
        """Which camera."""
        return self.traits.dataset

    def read(self, tree: Tree) -> Reading:
        """All clips whose folders tell their emotion."""
        reading = Reading(self.dataset)
        roots = tree.frame_roots(FrameRoot(self.folder, _SUBJECT))
        reading.present = bool(roots)
        if not roots:
            return reading
        # Cropped and raw copies may stand side by side; one of them is a data set.
        records = list(self._records(roots[0], reading))
        reading.clips.extend(assemble(self.traits, records, roots[:1], reading))
        for other in roots[1:]:
            detail = f"a second copy of {self.folder}, not read: {roots[0]} is"
            reading.note(Kind.EXTRA_CLIP, str(other), detail)
        return reading

    def _records(self, root: Path, reading: Reading) -> Iterator[Record]:
        number = 0
        for person in children(root, _SUBJECT):
            emotions = list(children(person / "micro", r".+")) if _has_micro(person) else []
            if not emotions:
                reading.note(Kind.MISSING_FOLDER, str(person), "no folder micro with clips")
            for emotion in emotions:
                for clip in children(emotion, r".+"):
                    number += 1
                    yield self._record(number, person, emotion, clip, reading)

    def _record(
        self, number: int, person: Path, emotion: Path, clip: Path, reading: Reading
    ) -> Record:
        code = _CODES.get(emotion.name.casefold(), "")
        subject = f"s{int(person.name[1:]):02d}"
        if not re.fullmatch(rf"s0*{int(subject[1:])}_{code}_\d+", clip.name, re.IGNORECASE):
            detail = f"named unlike s{int(subject[1:])}_{code or '?'}_NN"
            reading.note(Kind.EXTRA_CLIP, str(clip), detail)
        frames = frame_files(clip)
        return Record(
            index=number - 1,
            number=number,
            subject=subject,
            clip=re.sub(r"^s0*\d+", subject, clip.name.casefold()),
            folders=(str(clip.relative_to(person.parent)),),
            onset=frames[0][0] if frames else None,
            apex=None,
            offset=frames[-1][0] if frames else None,
            emotion=emotion.name,
            aus="",
        )


def _has_micro(person: Path) -> bool:
    return (person / "micro").is_dir()


def _camera(dataset: DatasetName, fps: float) -> Traits:
    return Traits(dataset, people="smic", fps=fps, has_apex=False)


SMIC_HS = Smic(_camera(DatasetName.SMIC_HS, 100), "HS")
SMIC_VIS = Smic(_camera(DatasetName.SMIC_VIS, 25), "VIS")
SMIC_NIR = Smic(_camera(DatasetName.SMIC_NIR, 25), "NIR")
