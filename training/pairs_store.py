"""Pairs for the AU and depth networks, kept in shards."""

from collections.abc import Sequence
from pathlib import Path

import cv2

from training import data, shards
from training.synthetic.archive import VERSION
from training.synthetic.events import Priors
from training.synthetic.pairs import Pairs, draw_pairs
from training.synthetic.portraits import SPLITS, load_rigs

_ROWS = 2000
_NAME = VERSION.replace("/", "-") + "-pairs"
"""Other versions of the generator keep other shards."""


def load_pairs(folder: Path, split: str, count: int) -> Pairs:
    """The first `count` pairs of a split's identities."""
    return shards.load(shards.Kind(_NAME, _ROWS, Pairs, _generate), folder, split, count)


def _generate(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors = Priors(data.priors_file())
    for number, file in missing:
        seed = SPLITS.index(split) * 10_000 + number
        shards.save(draw_pairs(rigs, priors, _ROWS, seed), file)
