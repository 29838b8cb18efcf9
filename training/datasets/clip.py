"""One row of the manifest, the same for every data set, and its file of JSON lines."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from training.datasets.action_units import ActionUnit
from training.datasets.emotions import Coarse


class DatasetName(StrEnum):
    """Data sets with an adapter; cameras and parts that are used apart count apart."""

    SMIC_HS = "smic-hs"
    SMIC_VIS = "smic-vis"
    SMIC_NIR = "smic-nir"
    CASME2 = "casme2"
    CASME_SQ = "casme-sq"
    SAMM = "samm"
    MMEW = "mmew"
    CASME3_A = "casme3-a"
    CASME3_C = "casme3-c"
    FOURDME = "4dme"
    DFME = "dfme"


class ClipRow(BaseModel):
    """A labelled clip.

    `subject` names the person as `people:id`; the cameras of SMIC share `smic:`, so that a person
    is the same in all of them. Frames are numbers as in the file names; None is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetName
    subject: str
    clip_id: str
    """Unique over all data sets: `dataset:subject/clip`."""
    path: Path | None
    """Folder of the frames; None where it was not found."""
    frames: int
    """Images in that folder."""
    fps: float | None
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    """As in the sheet; empty where the data set has none."""
    coarse: Coarse | None
    aus: tuple[ActionUnit, ...] = ()
    has_depth: bool = False


def write_manifest(rows: Iterable[ClipRow], path: Path) -> None:
    """One JSON object a line, sorted by clip."""
    lines = [row.model_dump_json() for row in sorted(rows, key=lambda row: row.clip_id)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_manifest(path: Path) -> tuple[ClipRow, ...]:
    """Rows of a file of `write_manifest`; raises pydantic's ValidationError on anything else."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(ClipRow.model_validate_json(line) for line in lines if line)
