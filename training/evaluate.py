"""`python -m training.evaluate --all|NAME ... [--json FILE|-]`: the served models on new faces.

Clips are generated with identities that no network was trained on; seeds are fixed. Every figure is
also given for the same clips with their frames in random order: a per-frame model does not notice,
a model of motion must.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from training import data
from training.judges import JUDGES, EvaluationClip, Judge, Report
from training.served import ServedModels, as_served
from training.synthetic.clips import draw_clip, shoot
from training.synthetic.events import Priors
from training.synthetic.portraits import load_rigs
from training.synthetic.rig import Rig
from worker.specs import LABELS

SEED = 20_250
ORDERS = ("in_order", "shuffled")


def main() -> None:
    """Parse the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(JUDGES))
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--clips", type=int, default=240, help="generated clips (default 240)")
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    parser.add_argument("--json", default="-", help="file for the figures, - for standard output")
    chosen = parser.parse_args()
    names = list(JUDGES) if chosen.all else chosen.names
    if not names or set(names) - set(JUDGES):
        parser.error(f"name what to evaluate ({', '.join(JUDGES)}) or pass --all")
    report = json.dumps(evaluate(names, chosen.clips, chosen.split, chosen.model_repo), indent=2)
    if chosen.json == "-":
        sys.stdout.write(report + "\n")
    else:
        Path(chosen.json).write_text(report + "\n")


def evaluate(names: list[str], count: int, split: str, model_repo: Path) -> Report:
    """Figures of each named model, in order and shuffled, and what they were measured on."""
    cv2.setNumThreads(1)
    served = ServedModels(model_repo)
    rigs = load_rigs(data.portraits_folder(), data.face_model_folder(), split, data.DETECTOR)
    judges: dict[str, dict[str, Judge]] = {
        name: {order: JUDGES[name](served) for order in ORDERS} for name in names
    }
    progress = Console(stderr=True)
    for clip in track(draw_clips(rigs, count), "evaluating", count, console=progress):
        shown = {"in_order": clip, "shuffled": clip.shuffled(seed=SEED)}
        for by_order in judges.values():
            for order, judge in by_order.items():
                judge.see(shown[order])
    protocol: Report = {
        "data": "synthetic-me v1; AU sets from annotation statistics and EMFACS prototypes in turn",
        "split": split,
        "identities": len(rigs),
        "seed": SEED,
    }
    figures: Report = {
        name: {order: judge.report() for order, judge in by_order.items()}
        for name, by_order in judges.items()
    }
    return {"protocol": protocol, **figures}


def draw_clips(rigs: list[Rig], count: int) -> Iterator[EvaluationClip]:
    """Clips with every class equally often, half from statistics, half from prototypes."""
    priors = Priors(data.priors_file())
    for index in range(count):
        rng = np.random.default_rng([SEED, index])
        label = index % len(LABELS)
        plan = draw_clip(priors, label, rng, prototype=(index // len(LABELS)) % 2 == 1)
        rig = rigs[index % len(rigs)]
        order = np.arange(len(plan.pts_s))
        yield EvaluationClip(plan, rig, as_served(shoot(plan, rig, order)), order)


if __name__ == "__main__":
    main()
