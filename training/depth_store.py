"""Two frames of one clip with their depth, kept in shards: what the depth network learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training import data, shards
from training.synthetic.clips import ClipPlan, depths, draw_clip, shoot
from training.synthetic.events import Priors
from training.synthetic.portraits import SPLITS, load_rigs
from training.synthetic.rig import Rig
from training.synthetic.variation import varied
from worker.specs import AU_MAX, CROP_SIZE, NEUTRAL

DEPTH_SIDE: Final = CROP_SIZE // 2
_ROWS = 500
_PROTOTYPE_SHARE = 0.35
_STRONG_SHARE = 0.4
"""Of the clips that show more than a micro-expression, so that small changes have large models."""
_STRONGEST = 3.0
_APEX_SHARE = 0.7
_PER_FACE = 5
"""Pairs of one varied face: to vary one takes as long as to film it."""

Gray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DepthPairs:
    """N pairs. Gray crops uint8 [N, 2, S, S]; depth f16 [N, 2, D, D] in eye distances.

    The first frame is the onset. NaN is off the face.
    """

    crops: Gray
    depth: npt.NDArray[np.float16]


def load_depth_pairs(folder: Path, split: str, count: int) -> DepthPairs:
    """The first `count` pairs of a split's identities."""
    kind = shards.Kind("depth", _ROWS, DepthPairs, _generate)
    return shards.load(kind, folder, split, count)


def _generate(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors = Priors(data.priors_file())
    for number, file in missing:
        rng = np.random.default_rng(700_000 + SPLITS.index(split) * 10_000 + number)
        rows = list(_draw_all(rigs, priors, rng, trains=split == "train"))
        crops, depth = (np.stack(column) for column in zip(*rows, strict=True))
        shards.save(DepthPairs(crops, depth), file)


def _draw_all(
    rigs: list[Rig], priors: Priors, rng: np.random.Generator, *, trains: bool
) -> Iterator[tuple[Gray, npt.NDArray[np.float16]]]:
    """One shard. For training faces are varied and expressions strengthened, else as filmed."""
    chosen = rng.integers(len(rigs), size=_ROWS // _PER_FACE).tolist()
    faces = (varied(rigs, index, rng) if trains else rigs[index] for index in chosen)
    for rig in chain.from_iterable(repeat(face, _PER_FACE) for face in faces):
        prototype = bool(rng.random() < _PROTOTYPE_SHARE)
        plan = draw_clip(priors, int(rng.integers(NEUTRAL)), rng, prototype=prototype)
        if trains and rng.random() < _STRONG_SHARE:
            stronger = plan.intensity * rng.uniform(1.0, _STRONGEST)
            plan = replace(plan, intensity=stronger.clip(0.0, AU_MAX).astype(np.float32))
        frames = np.array([plan.span.onset, _later(plan, rng)])
        yield shoot(plan, rig, frames), coarse(*depths(plan, rig, frames))


def _later(plan: ClipPlan, rng: np.random.Generator) -> int:
    """Mostly the apex, else any frame."""
    if rng.random() < _APEX_SHARE:
        return plan.span.apex
    return int(rng.integers(len(plan.pts_s)))


def coarse(depth: npt.NDArray[np.float32], face: npt.NDArray[np.bool_]) -> npt.NDArray[np.float16]:
    """Depth [n, S, S] and face masks as f16 [n, D, D]; NaN where any of a cell is off the face."""
    cells = np.where(face, depth, np.nan).reshape(-1, DEPTH_SIDE, 2, DEPTH_SIDE, 2)
    return cells.mean(axis=(2, 4)).astype(np.float16)
