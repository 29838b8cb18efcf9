"""`python -m training.record_metrics FILE`: what was measured of `au` and `madvnet`, for machines.

FILE is what `python -m training.evaluate au madvnet --json FILE` wrote, of generated clips, with
the weights that lie in the model repository now. `metrics.json` is written beside the weights of
those of the two that FILE tells of, and the configurations that carry it are written anew. The
tables in the cards are to be changed by hand.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypedDict

from training import repository
from training.data import MODEL_REPO
from training.evaluate import COUNT
from worker.specs import AU, MADVNET

Measured = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Of MADV-Net, by order of the frames and kind of clips."""
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
_COMMAND: Final = "python -m training.evaluate {model} --json -{count}"


class Judged(TypedDict):
    """What the judges of the AU network say; motion that is not there by kind of clip."""

    micro_amplitude: Mapping[str, float]
    phantom_motion: Mapping[str, Mapping[str, float]]
    timing: Mapping[str, float]


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
    if AU.name in report:
        record_action_units(report[AU.name], archive, chosen.model_repo)
    if MADVNET.name in report:
        record(report[MADVNET.name], archive, chosen.model_repo)


def record(measured: Measured, archive: Archive, model_repo: Path) -> None:
    """Write the figures of MADV-Net, measured on what the archive says, beside its weights."""
    weights = repository.ensemble_digest(model_repo)
    _write(model_repo / MADVNET.name, weights, figures(measured, archive))
    repository.write_ensembles(model_repo)


def record_action_units(judged: Judged, archive: Archive, model_repo: Path) -> None:
    """The same of the AU network, which is a recognizer by itself, too."""
    folder = model_repo / AU.name
    weights = repository.digest([folder / "1" / "model.onnx"])
    _write(folder, weights, action_unit_figures(judged, archive))
    repository.write_model(folder, AU)


def _write(folder: Path, weights: str, measured: Iterator[Figure]) -> None:
    content = {"weights": weights, "metrics": list(measured)}
    file = folder / repository.METRICS_FILE
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def figures(measured: Measured, archive: Archive) -> Iterator[Figure]:
    """Each figure of MADV-Net with what it was measured on, and by which command."""
    told, count = _told(archive), int(measured["in_order"]["all"]["clips"])
    command = _COMMAND.format(model=MADVNET.name, count=_asked(count))
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


def action_unit_figures(judged: Judged, archive: Archive) -> Iterator[Figure]:
    """Each figure of the AU network, likewise."""
    amplitude, timing = judged["micro_amplitude"], judged["timing"]
    still, rigid = (judged["phantom_motion"][kind] for kind in ("still", "rigid"))
    events = f"{amplitude['clips']} clips, changes of at most 2 FACS"
    rows = (
        ("icc", amplitude["icc_mean"], f"{events}, ICC(3,1), mean over AUs"),
        ("mae_where_active", amplitude["mae_where_active_mean"], f"{events}, FACS, mean over AUs"),
        (
            "stills_under_0.3",
            still["clips_with_all_aus_under_0.3"],
            f"{still['clips']} still portraits, all AUs under 0.3 in 60 frames",
        ),
        (
            "turning_under_0.5",
            rigid["share_under_0.5"],
            f"{rigid['clips']} heads that turn up to 8 degrees, frames and AUs under 0.5",
        ),
        (
            "apex_within_20_ms",
            timing["within_20_ms_from_100_fps"],
            f"of {timing['events']} events those from 100 frames a second",
        ),
    )
    told = _told(archive)
    command = _COMMAND.format(model=AU.name, count=_asked(int(amplitude["clips"])))
    for name, value, clips in rows:
        yield Figure(name=name, value=round(value, 2), protocol=f"{told}, {clips}", command=command)


def _told(archive: Archive) -> str:
    return (
        f"{str(archive['version']).replace('/', ' v')}, {int(archive['identities'])} identities "
        f"never trained on, seed {archive['seed']}, filmed and taken as the service takes them"
    )


def _asked(count: int) -> str:
    """The argument with which so many clips are generated."""
    return "" if count == COUNT else f" --count {count}"


if __name__ == "__main__":
    main()
