"""Pairs for the AU network, kept in shards."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training import data, shards
from training.synthetic.archive import VERSION
from training.synthetic.coded_pairs import draw_coded_pairs
from training.synthetic.events import Priors
from training.synthetic.pairs import Pairs, draw_pairs
from training.synthetic.portraits import SPLITS, load_rigs
from training.synthetic.rig import Rig

Draw = Callable[[list[Rig], Priors, int, int], Pairs]
"""Draws so many pairs from a seed."""

CODED_SHARE: Final = 0.4
"""Of the pairs; they are taken out of compressed video."""
_ROWS: Final = 2000
_NAME: Final = VERSION.replace("/", "-")
"""Other versions of the generator keep other shards."""


def load_pairs(folder: Path, split: str, count: int) -> Pairs:
    """The first `count` pairs of a split's identities, single pictures first, then video."""
    coded = round(CODED_SHARE * count)
    single = shards.load(_SINGLE, folder, split, count - coded)
    filmed = shards.load(_CODED, folder, split, coded)
    return Pairs(
        np.concatenate([single.reference, filmed.reference]),
        np.concatenate([single.current, filmed.current]),
        np.concatenate([single.change, filmed.change]),
    )


def _generate(draw: Draw, split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors = Priors(data.priors_file())
    for number, file in missing:
        seed = SPLITS.index(split) * 10_000 + number
        shards.save(draw(rigs, priors, _ROWS, seed), file)


_SINGLE: Final = shards.Kind(f"{_NAME}-pairs", _ROWS, Pairs, partial(_generate, draw_pairs))
_CODED: Final = shards.Kind(
    f"{_NAME}-coded-pairs", _ROWS, Pairs, partial(_generate, draw_coded_pairs)
)
