"""Long films with their truth: `NAME.mp4` beside `NAME.json`, filmed in a fixed order."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training.synthetic.codec import draw_encoding
from training.synthetic.events import Priors
from training.synthetic.film import SIDES, encoded, exposed
from training.synthetic.long_plan import Happening, LongPlan, draw_long
from training.synthetic.portraits import portrait_names
from training.synthetic.rig import Rig
from training.synthetic.studio import Inputs, colour_rig
from worker.video.encode import Encoding

LENGTH_S: Final = 60.0
FPS: Final = 30


@dataclass(frozen=True)
class LongFilm:
    """A film on disk, and what happens in it, in order of time."""

    video: Path
    identity: str
    codec: str
    length_s: float
    happenings: tuple[Happening, ...]

    @classmethod
    def read(cls, truth: Path) -> "LongFilm":
        """The film that a truth of `shoot` is of."""
        said = json.loads(truth.read_text())
        happenings = tuple(Happening(**each) for each in said.pop("happenings"))
        return cls(truth.with_suffix(".mp4"), happenings=happenings, **said)


def films(folder: Path) -> list[LongFilm]:
    """All films of a folder, by name."""
    return [LongFilm.read(truth) for truth in sorted(folder.glob("*.json"))]


def shoot(
    inputs: Inputs, count: int, seed: int, folder: Path, length_s: float = LENGTH_S
) -> Iterator[LongFilm]:
    """Film identities in turn, one film after the other, each once it is asked for.

    A film whose truth is in the folder is not made anew.
    """
    cv2.setNumThreads(1)
    names = portrait_names(inputs.portraits, inputs.split)
    priors = Priors(inputs.priors)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        truth = folder / f"{number:03d}.json"
        if not truth.is_file():
            rig = colour_rig(inputs, names[number % len(names)])
            _shoot(rig, draw_film(priors, [seed, number], length_s), truth)
        yield LongFilm.read(truth)


def _shoot(rig: Rig, drawn: tuple[LongPlan, Encoding], truth: Path) -> None:
    plan, encoding = drawn
    frames = exposed(plan.clip, rig, SIDES[0], gray=False)
    truth.with_suffix(".mp4").write_bytes(encoded(frames, FPS, encoding))
    said = {
        "identity": rig.name,
        "codec": encoding.codec,
        "length_s": len(plan.clip.pts_s) / FPS,
        "happenings": [asdict(each) for each in plan.happenings],
    }
    truth.write_text(json.dumps(said, indent=1))  # last: it says that the film is whole


def draw_film(priors: Priors, seed: list[int], length_s: float) -> tuple[LongPlan, Encoding]:
    """What happens in a film, and how it is compressed; the seed ends with the film's number."""
    rng = np.random.default_rng(seed)
    return draw_long(priors, length_s, FPS, rng, seed[-1]), draw_encoding(rng)
