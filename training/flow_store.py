"""Synthetic flow pictures, kept in shards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2

from training import data, shards
from training.synthetic.events import Priors
from training.synthetic.flow_pictures import FlowPictures, draw_flow_pictures
from training.synthetic.portraits import SPLITS, load_rigs

VERSION: Final = "synthetic-flow-1"
_ROWS: Final = 500


def load_flow_pictures(folder: Path, split: str, count: int) -> FlowPictures:
    """The first `count` pictures of a split's identities; missing shards are made on all cores."""
    return shards.load(_KIND, folder, split, count)


def _generate(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors = Priors(data.priors_file())
    for number, file in missing:
        seed = SPLITS.index(split) * 10_000 + number
        shards.save(draw_flow_pictures(rigs, priors, _ROWS, seed), file)


_KIND: Final = shards.Kind(VERSION, _ROWS, FlowPictures, _generate)
