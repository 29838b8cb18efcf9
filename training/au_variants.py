"""`python -m training.au_variants [NAME ...]`: ways of seeing a change, compared on equal terms.

Each network sees the same pairs in the same order for the same number of steps, with the same loss,
regions and trunk; figures are on the validation identities. Short runs: they rank, no more.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import nn

from training import au_task
from training.au_pairs import load, prepared, with_flow
from training.loop import Recipe
from training.models.au import AUNet, FrameAUNet
from training.models.au_evidence import Correlation, Flow, Siamese
from training.train import CONFIGS

VARIANTS: Final[dict[str, Callable[[], nn.Module]]] = {
    "per-frame": FrameAUNet,
    "siamese": lambda: AUNet(Siamese()),
    "correlation": lambda: AUNet(Correlation()),
    "flow": lambda: AUNet(Flow()),
}


def main() -> None:
    """Parse the command line, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VARIANTS))
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    recipe = replace(
        Recipe.load(CONFIGS / "au.toml"), samples=chosen.samples, epochs=chosen.epochs, average=0.98
    )
    for name in chosen.names or VARIANTS:
        figures = compare(VARIANTS[name], recipe, chosen.runs, name)
        sys.stdout.write(json.dumps({name: figures}) + "\n")


def compare(
    variant: Callable[[], nn.Module], recipe: Recipe, runs: Path, name: str
) -> dict[str, float]:
    """Train one variant; its figures. The curve is kept in `runs/au-NAME/`."""
    torch.manual_seed(recipe.seed)
    model, data = variant(), prepared(load(runs / "data", "train", recipe.samples))
    if isinstance(model, AUNet) and isinstance(model.evidence, Flow):
        data = with_flow(data)
    held_out = load(runs / "data", "validation", au_task.VALIDATION)
    au_task.fit_pairs(model, data, recipe, runs / f"au-{name}", held_out)
    return {key: round(value, 3) for key, value in au_task.score(model, held_out).items()}


if __name__ == "__main__":
    main()
