"""Generated clips on disk for MADV-Net: 16 crops each, with the AU and depth streams as served."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training import data
from training.served import ServedModels, as_served
from training.synthetic.clips import draw_clip, loose_span, shoot
from training.synthetic.events import Priors
from training.synthetic.portraits import SPLITS, load_rigs
from worker.preprocess.sampling import sample_indices
from worker.specs import CLIP_FRAMES, LABELS

_SHARD = 250
_PROTOTYPE_SHARE = 0.35
_DEPTH_STEP = 2


@dataclass(frozen=True)
class Clips:
    """N clips: crops uint8 [N, 16, S, S], depth f16 [N, 16, S/2, S/2], AUs f32 [N, 16, 2, K]."""

    crops: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    action_units: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]


def load_clips(folder: Path, split: str, count: int) -> Clips:
    """The first `count` clips of a split's identities; generates the shards that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"clips-{split}-{shard:03d}.npz" for shard in range(-(-count // _SHARD))]
    missing = [(shard, file) for shard, file in enumerate(files) if not file.exists()]
    if missing:
        cores = os.cpu_count() or 1
        with ProcessPoolExecutor(cores) as pool:
            list(pool.map(_generate, [split] * cores, [missing[i::cores] for i in range(cores)]))
    parts = [_load(file) for file in files]
    return Clips(
        *(np.concatenate([getattr(p, f.name) for p in parts])[:count] for f in fields(Clips))
    )


def _load(file: Path) -> Clips:
    with np.load(file) as arrays:
        return Clips(**{field.name: arrays[field.name] for field in fields(Clips)})


def _generate(split: str, shards: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors, served = Priors(data.priors_file()), ServedModels(data.MODEL_REPO, threads=1)
    for shard, file in shards:
        rng = np.random.default_rng(500_000 + SPLITS.index(split) * 10_000 + shard)
        rows = []
        for index in range(_SHARD):
            label = index % len(LABELS)
            plan = draw_clip(priors, label, rng, prototype=rng.random() < _PROTOTYPE_SHARE)
            rig = rigs[int(rng.integers(len(rigs)))]
            frames = sample_indices(plan.pts_s, loose_span(plan, rng), CLIP_FRAMES)
            gray = shoot(plan, rig, frames)
            crops = as_served(gray)
            # The coarse map is what the network computes; the served map only enlarges it.
            depth = served.depth(crops)[:, 0]
            small = depth.reshape(CLIP_FRAMES, 56, _DEPTH_STEP, 56, _DEPTH_STEP).mean(axis=(2, 4))
            change = served.action_units(crops, crops[:1])
            rows.append((gray, small.astype(np.float16), change, label))
        columns = [np.stack(column) for column in zip(*rows, strict=True)]
        np.savez(file, **dict(zip((f.name for f in fields(Clips)), columns, strict=True)))
