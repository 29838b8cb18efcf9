"""Generated pairs on disk: made once per split, in shards that depend on their number alone."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np

from training import data
from training.synthetic.events import Priors
from training.synthetic.pairs import Pairs, draw_pairs
from training.synthetic.portraits import SPLITS, load_rigs

_SHARD = 2000


def load_pairs(folder: Path, split: str, count: int) -> Pairs:
    """The first `count` pairs of a split's identities; generates the shards that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"pairs-{split}-{shard:03d}.npz" for shard in range(-(-count // _SHARD))]
    missing = [(shard, file) for shard, file in enumerate(files) if not file.exists()]
    if missing:
        cores = os.cpu_count() or 1
        with ProcessPoolExecutor(cores) as pool:
            list(pool.map(_generate, [split] * cores, [missing[i::cores] for i in range(cores)]))
    parts = [Pairs.load(file) for file in files]
    return Pairs(
        *(np.concatenate([getattr(p, f.name) for p in parts])[:count] for f in fields(Pairs))
    )


def _generate(split: str, shards: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors = Priors(data.priors_file())
    for shard, file in shards:
        draw_pairs(rigs, priors, _SHARD, seed=SPLITS.index(split) * 10_000 + shard).save(file)
