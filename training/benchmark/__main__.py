"""`python -m training.benchmark [--data DIR]`: makes the clips of synthetic benchmark v1.

They depend on the portraits, the face model and the served AU and depth networks alone. Shards
that are there stay; `DIR/benchmark-1.json` says what they are, with digests.
"""

import argparse
import sys
from pathlib import Path

from training.benchmark.manifest import Sizes, make


def main() -> None:
    """Parse the command line, generate, print the digest."""
    sizes = Sizes()
    parser = argparse.ArgumentParser(prog="python -m training.benchmark", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("runs/data"))
    for split in ("train", "validation", "test"):
        standard = getattr(sizes, split)
        parser.add_argument(f"--{split}", type=int, default=standard, help=f"default {standard}")
    chosen = parser.parse_args()
    manifest = make(chosen.data, Sizes(chosen.train, chosen.validation, chosen.test))
    sys.stdout.write(f"{manifest.name} {manifest.digest}\n")


if __name__ == "__main__":
    main()
