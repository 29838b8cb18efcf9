"""`python -m training.train NAME|FILE.toml`: generated data, training, checkpoint.

NAME is au, depth, madvnet, msjfn, affectivenet, afn or learnet. Runs land in `runs/<name>/`;
generated data are kept in `runs/data/` and made once. A FILE is an experiment with any network that
sees clips (`training.experiment`); its run has the file's name. An interrupted run goes on where it
stopped. On several GPUs or machines:
`torchrun --nproc-per-node N -m training.train ...`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from training import au_task, clip_task, depth_task
from training.distributed import joined
from training.experiment import Experiment
from training.recipe import Recipe

CONFIGS = Path(__file__).parent / "configs"
PARTS: dict[str, Callable[[Recipe, Path], None]] = {
    "depth": depth_task.train,
    "au": au_task.train,
}


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", metavar="NAME|FILE", help="of a recipe here, or an experiment")
    parser.add_argument(
        "--config", type=Path, help="TOML recipe; default training/configs/NAME.toml"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--name", help="folder of the run; default NAME, or the name of FILE")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    named = CONFIGS / f"{chosen.what}.toml"
    file = chosen.config or (named if named.is_file() else Path(chosen.what))
    if not file.is_file():
        parser.error(f"{chosen.what} is neither a recipe here nor a file")
    with joined():
        if chosen.what in PARTS:
            PARTS[chosen.what](Recipe.load(file), chosen.runs)
        else:
            name = chosen.name or (chosen.what if named.is_file() else file.stem)
            clip_task.train(Experiment.load(file), chosen.runs, name)


if __name__ == "__main__":
    main()
