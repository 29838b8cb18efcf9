"""What the benchmark's clips are, and digests that tell whether two machines have the same."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from training import data, repository
from training.benchmark.clips import NAME, TRACKS, Clips, load_clips
from training.synthetic.archive import VERSION
from training.synthetic.portraits import SPLITS
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU, DEPTH, LABELS

FILE: Final = f"{NAME}.json"
_DRAWN: Final = ("crops", "code", "label", "track", "subject")
_STREAMS: Final = ("depth", "action_units")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Clips of each split."""

    train: int = 4800
    validation: int = 960
    test: int = 1200


class Part(BaseModel):
    """One split. `drawn` digests what the generator made, `streams` what networks answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: int
    labels: dict[str, int]
    tracks: dict[str, int]
    subjects: list[str]
    drawn: str
    streams: str


class Manifest(BaseModel):
    """The whole benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    generator: str
    preprocess: str
    models: dict[str, str]
    """Digests of the networks whose answers are the depth and AU streams."""
    splits: dict[str, Part]

    @property
    def digest(self) -> str:
        """Of everything a result depends on."""
        parts = [(split, part.drawn, part.streams) for split, part in self.splits.items()]
        told = json.dumps([self.preprocess, parts])
        return "sha256:" + hashlib.sha256(told.encode()).hexdigest()


def make(folder: Path, sizes: Sizes) -> Manifest:
    """Generate what is missing, describe it in `folder/benchmark-1.json`.

    Raises ValueError where a person is in two splits.
    """
    splits = {}
    for split in SPLITS:
        splits[split] = describe(load_clips(folder, split, getattr(sizes, split)))
    _refuse_shared(splits)
    manifest = Manifest(
        name=NAME,
        generator=VERSION,
        preprocess=PREPROCESS.digest(),
        models=_served(),
        splits=splits,
    )
    (folder / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def made(folder: Path) -> Manifest:
    """The manifest in a folder, made with its clips where there is none.

    Raises ValueError where the streams come from other networks than are served now.
    """
    file = folder / FILE
    if not file.is_file():
        return make(folder, Sizes())
    manifest = Manifest.model_validate_json(file.read_text(encoding="utf-8"))
    if not is_current(manifest):
        raise ValueError(f"{file} was made with other networks: remove {folder / NAME}*")
    return manifest


def is_current(manifest: Manifest) -> bool:
    """Whether its streams come from the networks and the preprocessing that are served now."""
    return manifest.models == _served() and manifest.preprocess == PREPROCESS.digest()


def _served() -> dict[str, str]:
    return {
        spec.name: repository.digest([data.MODEL_REPO / spec.name / "1" / "model.onnx"])
        for spec in (AU, DEPTH)
    }


def describe(clips: Clips) -> Part:
    """Counts and digests."""
    labels = Counter(LABELS[label] for label in clips.label.tolist())
    tracks = Counter(TRACKS[track] for track in clips.track.tolist())
    return Part(
        clips=len(clips.label),
        labels=dict(sorted(labels.items())),
        tracks=dict(sorted(tracks.items())),
        subjects=sorted(set(clips.subject.tolist())),
        drawn=_digest(clips, _DRAWN),
        streams=_digest(clips, _STREAMS),
    )


def _digest(clips: Clips, names: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        column = getattr(clips, name)
        if column.dtype.kind == "U":
            whole.update("\n".join(column.tolist()).encode())
        else:
            whole.update(np.ascontiguousarray(column).data)
    return "sha256:" + whole.hexdigest()


def _refuse_shared(splits: Mapping[str, Part]) -> None:
    seen: dict[str, str] = {}
    for split, part in splits.items():
        for person in part.subjects:
            if person in seen:
                raise ValueError(f"{person} is in {seen[person]} and {split}")
            seen[person] = split
