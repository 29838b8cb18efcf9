"""`python -m training.flow_zero_shot`: teaches MSJFN by synthetic flow alone, seed by seed.

Pictures are kept under `--runs`; what is missing is made first. Validation
is by synthetic faces of other people: nothing here reads real flow.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import torch
from tqdm import tqdm

from training import flow_weights
from training.flow_set import CLASSES
from training.flow_store import VERSION, load_flow_pictures
from training.flow_task import Schedule, asked, fresh, prepared, taught
from training.metrics import uf1

SCHEDULE: Final = Schedule(epochs=6, learning_rate=3e-3)
PICTURES: Final = 6000
_SEEDS: Final = (1, 2, 3, 4, 5)
_HELD_OUT: Final = 500


def main() -> None:
    """Parse the command line, teach, print the figures of synthetic validation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=flow_weights.FOLDER, metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=_SEEDS)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    folder, told = chosen.runs / "data", f"{VERSION}, {chosen.pictures} pictures"
    learnt = load_flow_pictures(folder, "train", chosen.pictures)
    held_out = load_flow_pictures(folder, "validation", _HELD_OUT)
    pictures, labels = prepared(learnt.flow), torch.from_numpy(learnt.label)
    figures = {}
    for seed in tqdm(chosen.seeds, desc="seeds"):
        network = taught(fresh(seed), pictures, labels, SCHEDULE, seed)
        flow_weights.save(network, flow_weights.file_of(chosen.out, seed), told)
        estimate = asked(network, prepared(held_out.flow)).argmax(dim=1).numpy()
        figures[seed] = {"synthetic_uf1": round(uf1(held_out.label, estimate, len(CLASSES)), 4)}
    sys.stdout.write(json.dumps({"pictures": told, "seeds": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
