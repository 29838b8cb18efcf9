"""`python -m training.synthetic --portraits DIR --face-model FILE --clips N --seed S --out DIR`.

Films synthetic micro-expressions of any portraits with landmarks, with their whole truth, into tar
shards that `training.synthetic.archive.read_clips` reads.
"""

import argparse
from pathlib import Path

from training import data
from training.synthetic.portraits import SPLITS
from training.synthetic.studio import Inputs, write_archive


def main() -> None:
    """Parse the command line, film."""
    parser = argparse.ArgumentParser(prog="python -m training.synthetic", description=__doc__)
    parser.add_argument("--portraits", type=Path, help="images with landmarks478.npz or 189")
    parser.add_argument("--face-model", type=Path, help="ict_face_f16.npz, ict68.json beside it")
    parser.add_argument("--priors", type=Path, help="annotation statistics, JSON")
    parser.add_argument("--split", default="all", choices=("all", *SPLITS))
    parser.add_argument("--clips", type=int, default=500, help="events (default 500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    inputs = Inputs(
        chosen.portraits or data.portraits_folder(),
        chosen.face_model or data.face_model_folder(),
        chosen.priors or data.priors_file(),
        chosen.split,
    )
    write_archive(inputs, chosen.clips, chosen.seed, chosen.out)


if __name__ == "__main__":
    main()
