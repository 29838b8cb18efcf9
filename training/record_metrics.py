"""`python -m training.record_metrics FILE`: what was measured of MADV-Net, for machines.

FILE is what `python -m training.evaluate madvnet --json FILE` wrote, of generated clips, with the
weights that lie in the model repository now. `model_repo/madvnet/metrics.json` is written, and the
ensembles are written anew, which carry it. The table in the card is to be changed by hand.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypedDict

from training import repository
from training.data import MODEL_REPO
from training.evaluate import COUNT
from worker.specs import MADVNET

Measured = Mapping[str, Mapping[str, Mapping[str, float]]]
Archive = Mapping[str, str | float]
_ROWS: Final = {
    "all": "all {clips} clips",
    "real_statistics": "{clips} clips with counted AU sets",
    "prototypes": "{clips} clips with prototypes",
}
_ORDERS: Final = {"in_order": "frames in order", "shuffled": "frames shuffled"}
_NAMES: Final = {
    "coarse_uf1": "uf1_coarse",
    "accuracy_8": "accuracy_8",
    "uf1_8": "uf1_8",
    "spotted_share": "spotted_share",
}
_COARSE: Final = "uf1_coarse"


class Figure(TypedDict):
    """As `worker.contract.Metric` has it."""

    name: str
    value: float
    protocol: str
    command: str


def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what training.evaluate wrote")
    parser.add_argument("--model-repo", type=Path, default=MODEL_REPO)
    chosen = parser.parse_args()
    report = json.loads(chosen.file.read_text(encoding="utf-8"))
    (archive,) = report["protocol"]["generated"].values()
    record(report[MADVNET.name], archive, chosen.model_repo)


def record(measured: Measured, archive: Archive, model_repo: Path) -> None:
    """Write the figures of an evaluation beside the weights they are of.

    Args:
        measured: By order of the frames and kind of clips.
        archive: What it was measured on.
        model_repo: Holds the weights that were evaluated.
    """
    content = {
        "weights": repository.ensemble_digest(model_repo),
        "metrics": list(figures(measured, archive)),
    }
    file = model_repo / MADVNET.name / repository.METRICS_FILE
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    repository.write_ensembles(model_repo)


def figures(measured: Measured, archive: Archive) -> Iterator[Figure]:
    """Each figure with what it was measured on, and by which command."""
    told = (
        f"{str(archive['version']).replace('/', ' v')}, {int(archive['identities'])} identities "
        f"never trained on, seed {archive['seed']}, filmed and taken as the service takes them"
    )
    count = int(measured["in_order"]["all"]["clips"])
    command = "python -m training.evaluate madvnet --json -"
    command += "" if count == COUNT else f" --count {count}"
    for row, text in _ROWS.items():
        for order, said in _ORDERS.items():
            found = measured[order][row]
            clips = text.format(clips=int(found["clips"]))
            whole = clips.removeprefix("all ")
            some = f"the {int(found['event_clips'])} of {whole} that hold an event"
            for key, name in _NAMES.items():
                seen = some if name == _COARSE else clips
                value = round(found[key], 2)
                yield Figure(
                    name=name, value=value, protocol=f"{told}, {seen}, {said}", command=command
                )


if __name__ == "__main__":
    main()
