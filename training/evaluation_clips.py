"""Clips to evaluate on, of identities that no network was trained on."""

import subprocess
import sys
from pathlib import Path


def generate(folder: Path, split: str, count: int, seed: int) -> None:
    """Write `count` event clips of a split's identities, and trials of phantom motion beside them.

    Through the generator's own command line, so that anybody can make the same clips.
    """
    flags = ["--split", split, "--clips", str(count), "--seed", str(seed), "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "training.synthetic", *flags], check=True)
