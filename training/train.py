"""`python -m training.train au|depth|madvnet`: data from the generator, training, checkpoint.

Runs land in `runs/<name>/`; generated data are kept in `runs/data/` and made once.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from training import au_task, depth_task, madvnet_task
from training.loop import Recipe

CONFIGS = Path(__file__).parent / "configs"
TASKS: dict[str, Callable[[Recipe, Path], None]] = {
    "depth": depth_task.train,
    "au": au_task.train,
    "madvnet": madvnet_task.train,
}


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=TASKS)
    parser.add_argument(
        "--config", type=Path, help="TOML recipe; default training/configs/NAME.toml"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    recipe = Recipe.load(chosen.config or CONFIGS / f"{chosen.network}.toml")
    TASKS[chosen.network](recipe, chosen.runs)


if __name__ == "__main__":
    main()
