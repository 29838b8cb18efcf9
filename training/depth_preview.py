"""`python -m training.depth_preview FILE`: relief of unseen faces and its change, true and found.

The picture of the card. It shows depth alone, no portrait.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from training import data
from training.served import ServedModels, as_served
from training.synthetic.clips import depths, draw_clip, shoot
from training.synthetic.events import Priors
from training.synthetic.portraits import load_rigs
from worker.domain import FloatArray
from worker.specs import LABELS

SHOWN: Final = ("happiness", "surprise", "disgust", "sadness")
_SEED: Final = 4
_COLOURED: Final = 0.98
"""Share of the pixels whose change is told apart; the rim of the face changes most."""
_TITLES: Final = ("relief, true", "estimated", "onset to apex, true", "estimated")

Maps = tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]


def main() -> None:
    """Draw one event a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    chosen = parser.parse_args()
    figure = Figure(figsize=(6.4, 1.7 * len(SHOWN)), layout="compressed")
    axes = figure.subplots(len(SHOWN), len(_TITLES), squeeze=False)
    for row, name, maps in zip(axes, SHOWN, events(chosen.model_repo), strict=True):
        pictures = _pictures(maps)
        most = float(np.nanquantile(np.abs(pictures[2]), _COLOURED))
        for ax, relief in zip(row[:2], pictures[:2], strict=True):
            ax.imshow(relief, cmap="gray")
        for ax, change in zip(row[2:], pictures[2:], strict=True):
            ax.imshow(change, cmap="RdBu_r", vmin=-most, vmax=most)
        row[0].set_ylabel(name)
    for ax, title in zip(axes[0], _TITLES, strict=True):
        ax.set_title(title, fontsize=9)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    figure.savefig(chosen.file, dpi=60)


def events(model_repo: Path) -> Iterator[Maps]:
    """True and estimated depth f32 [2, S, S] of onset and apex, and where both show the face."""
    served = ServedModels(model_repo)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), "test", data.DETECTOR)
    priors = Priors(data.priors_file())
    for row, name in enumerate(SHOWN):
        rng = np.random.default_rng([_SEED, row])
        plan = draw_clip(priors, LABELS.index(name), rng, prototype=True)
        frames = np.array([plan.span.onset, plan.span.apex])
        rig = rigs[row % len(rigs)]
        truth, face = depths(plan, rig, frames)
        estimate = served.depth(as_served(shoot(plan, rig, frames)))[:, 0]
        yield truth, estimate, face.all(axis=0)


def _pictures(maps: Maps) -> list[FloatArray]:
    """Relief at the apex, true and estimated, and their changes about their means."""
    truth, estimate, inside = maps
    apex = [np.where(inside, depth[1], np.nan) for depth in (truth, estimate)]
    change = [np.where(inside, depth[1] - depth[0], np.nan) for depth in (truth, estimate)]
    return [*apex, *(values - np.nanmean(values) for values in change)]


if __name__ == "__main__":
    main()
