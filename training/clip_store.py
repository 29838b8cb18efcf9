"""Generated clips on disk for MADV-Net: 16 crops each, with the AU and depth streams as served."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training import data, shards
from training.served import ServedModels, as_served
from training.synthetic.clips import draw_clip, loose_span, shoot
from training.synthetic.events import Priors
from training.synthetic.pairs import DEPTH_SIDE
from training.synthetic.portraits import SPLITS, load_rigs
from training.synthetic.rig import Rig
from worker.domain import FloatArray
from worker.preprocess.sampling import sample_indices
from worker.specs import CLIP_FRAMES, LABELS

_ROWS = 250
_PROTOTYPE_SHARE = 0.35


@dataclass(frozen=True)
class Clips:
    """N clips: crops uint8 [N, 16, S, S], depth f16 [N, 16, S/2, S/2], AUs f32 [N, 16, 2, K]."""

    crops: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    action_units: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]


def load_clips(folder: Path, split: str, count: int) -> Clips:
    """The first `count` clips of a split's identities."""
    return shards.load(shards.Kind("clips", _ROWS, Clips, _generate), folder, split, count)


def _generate(split: str, missing: Sequence[tuple[int, Path]]) -> None:
    cv2.setNumThreads(1)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    priors, served = Priors(data.priors_file()), ServedModels(data.MODEL_REPO, threads=1)
    for number, file in missing:
        rng = np.random.default_rng(500_000 + SPLITS.index(split) * 10_000 + number)
        rows = [_draw(index % len(LABELS), rigs, priors, served, rng) for index in range(_ROWS)]
        crops, depth, change, label = (np.stack(column) for column in zip(*rows, strict=True))
        shards.save(Clips(crops, depth, change, label), file)


def _draw(
    label: int, rigs: list[Rig], priors: Priors, served: ServedModels, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16], FloatArray, int]:
    """One clip as its sampled frames, with the streams the served networks make of them."""
    plan = draw_clip(priors, label, rng, prototype=rng.random() < _PROTOTYPE_SHARE)
    rig = rigs[int(rng.integers(len(rigs)))]
    gray = shoot(plan, rig, sample_indices(plan.pts_s, loose_span(plan, rng), CLIP_FRAMES))
    crops = as_served(gray)
    # The coarse map is what the network computes; the served map only enlarges it.
    blocks = served.depth(crops).reshape(CLIP_FRAMES, DEPTH_SIDE, 2, DEPTH_SIDE, 2)
    depth = blocks.mean(axis=(2, 4)).astype(np.float16)
    return gray, depth, served.action_units(crops, crops[:1]), label
