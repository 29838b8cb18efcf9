"""`python -m training.calibrate [NAME]`: temperature and threshold of a network of emotions.

Fitted on the half of the validation people that no curve was drawn on, judged on the test people of
synthetic benchmark v1. Writes `NAME/calibration.json` and `NAME/reliability.png`, and the
configurations anew, so that the worker finds them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from training import calibration, data, repository
from training.answering import answers
from training.benchmark.clips import Clips, halves, load_clips
from training.calibration import Reliability
from worker.models.calibration import ABSTAIN_BELOW, TEMPERATURE
from worker.specs import EMOTION_NETWORKS, MADVNET, ModelSpec

NETWORKS: Final = {network.name: network for network in EMOTION_NETWORKS}
PICTURE: Final = "reliability.png"


def main() -> None:
    """Parse the command line, fit, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default=MADVNET.name, choices=list(NETWORKS))
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    parser.add_argument("--data", type=Path, default=Path("runs/data"))
    parser.add_argument("--validation", type=int, default=960, help="clips (default 960)")
    parser.add_argument("--test", type=int, default=1200, help="clips (default 1200)")
    parser.add_argument("--target", type=float, default=calibration.TARGET)
    chosen = parser.parse_args()
    _, own = halves(load_clips(chosen.data, "validation", chosen.validation))
    test = load_clips(chosen.data, "test", chosen.test)
    network = NETWORKS[chosen.name]
    figures = calibrate(chosen.model_repo, own, test, chosen.target, network)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def calibrate(
    model_repo: Path,
    own: Clips,
    test: Clips,
    target: float = calibration.TARGET,
    spec: ModelSpec = MADVNET,
) -> dict[str, float | str]:
    """Fit on `own`, judge on `test`, write what is found into the repository."""
    folder = model_repo / spec.name
    network = folder / "1" / "model.onnx"
    fitted = calibration.fit(answers(network, own, spec), own.label, target)
    raw = answers(network, test, spec)
    sure = fitted.tempered(raw)
    before, after = Reliability.of(raw, test.label), Reliability.of(sure, test.label)
    given = sure.max(axis=1) >= fitted.abstain_below
    right = (sure.argmax(axis=1) == test.label)[given]
    figures: dict[str, float | str] = {
        "weights": repository.digest([network]),
        TEMPERATURE: fitted.temperature,
        ABSTAIN_BELOW: fitted.abstain_below,
        "ece_before": round(before.ece, 4),
        "ece_after": round(after.ece, 4),
        "answered": round(float(given.mean()), 4),
        "accuracy_of_answers": round(float(right.mean()), 4) if given.any() else 0.0,
        "clips_fitted": len(own.label),
        "clips_judged": len(test.label),
    }
    text = json.dumps(figures, indent=1) + "\n"
    (folder / repository.CALIBRATION_FILE).write_text(text, encoding="utf-8")
    calibration.draw(before, after, folder / PICTURE)
    repository.write_model(folder, spec)
    repository.write_ensembles(model_repo)
    return figures


if __name__ == "__main__":
    main()
