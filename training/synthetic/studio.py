"""A whole archive: which clips of which identities, filmed on all cores in a fixed order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from training import data
from training.processes import process_pool
from training.synthetic.archive import ArchiveWriter, Kind, SyntheticClip
from training.synthetic.canvas import FINE, SCALE
from training.synthetic.clips import ClipPlan, draw_clip, draw_rigid, draw_still
from training.synthetic.events import Priors
from training.synthetic.face_model import FaceModel
from training.synthetic.film import MARGIN, film
from training.synthetic.portraits import Aligner, load_portrait, portrait_names
from training.synthetic.rig import Rig, fitted, rig_of
from worker.specs import LABELS

_REST_SHARE = 0.1


@dataclass(frozen=True)
class Inputs:
    """What clips are made of."""

    portraits: Path
    face_model: Path
    priors: Path
    split: str = "all"


@dataclass(frozen=True)
class Take:
    """One clip to be filmed."""

    name: str
    kind: Kind
    identity: str
    number: int
    """Its place among the clips of its kind."""
    seed: int


def write_archive(inputs: Inputs, clips: int, seed: int, folder: Path) -> None:
    """Film `clips` events and a tenth as many still and turning heads each, into `folder`.

    Raises ValueError where there are no portraits to film.
    """
    arguments: dict[str, str | int] = {
        "portraits": inputs.portraits.name,
        "clips": clips,
        "split": inputs.split,
    }
    with ArchiveWriter(folder, seed, arguments) as archive:
        for clip in filmed(inputs, takes(inputs, clips, seed)):
            archive.add(clip)


def takes(inputs: Inputs, clips: int, seed: int) -> list[Take]:
    """All takes in the archive's order: by identity, so that each is made movable once."""
    names = portrait_names(inputs.portraits, inputs.split)
    if not names:
        raise ValueError(f"{inputs.portraits} holds no portraits of split {inputs.split}")
    rest = max(1, round(_REST_SHARE * clips))
    counts: tuple[tuple[Kind, int], ...] = (("event", clips), ("still", rest), ("rigid", rest))
    chosen = [
        (number * len(names) // count, kind, number)
        for kind, count in counts
        for number in range(count)
    ]
    chosen.sort(key=lambda row: row[0])
    return [
        Take(f"{index:06d}", kind, names[row], number, seed)
        for index, (row, kind, number) in enumerate(chosen)
    ]


def filmed(inputs: Inputs, wanted: list[Take]) -> Iterator[SyntheticClip]:
    """The clips of takes, in order, from one process per core."""
    shares = [
        (inputs, identity, list(group))
        for identity, group in groupby(wanted, key=lambda take: take.identity)
    ]
    with process_pool() as pool:
        for clips in pool.map(_film_identity, shares):
            yield from clips


def plan_of(take: Take, priors: Priors) -> ClipPlan:
    """What happens in a take, from its seed, kind and number alone."""
    kinds: tuple[Kind, ...] = ("event", "still", "rigid")
    rng = np.random.default_rng([take.seed, kinds.index(take.kind), take.number])
    match take.kind:
        case "still":
            return draw_still(rng)
        case "rigid":
            return draw_rigid(rng)
        case _:
            prototype = (take.number // len(LABELS)) % 2 == 1
            return draw_clip(priors, take.number % len(LABELS), rng, prototype=prototype)


def colour_rig(inputs: Inputs, identity: str, scale: int = SCALE) -> Rig:
    """A rig to be filmed, of so many canvas pixels per crop pixel."""
    model, aligner = _tools(inputs.face_model)
    portrait = load_portrait(inputs.portraits, identity)
    fit = fitted(portrait.points, aligner.alignment(portrait), model)
    return rig_of(identity, portrait.image, fit, model, MARGIN, scale)


def _film_identity(share: tuple[Inputs, str, list[Take]]) -> list[SyntheticClip]:
    inputs, identity, wanted = share
    cv2.setNumThreads(1)
    rig, priors = colour_rig(inputs, identity, FINE), Priors(inputs.priors)
    return [film(plan_of(take, priors), rig, take.kind, take.name) for take in wanted]


@cache
def _tools(face_model: Path) -> tuple[FaceModel, Aligner]:
    return FaceModel.load(face_model), Aligner(data.DETECTOR)
