"""`python -m training.calibrate [--model-repo DIR]`: temperature and threshold of what is served.

Fitted on the half of the validation people that no curve was drawn on, judged on the test people of
synthetic benchmark v1. Writes `madvnet/calibration.json` and `madvnet/reliability.png`, and both
configurations anew, so that the worker finds them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

from training import calibration, data, repository
from training.benchmark.clips import Clips, halves, load_clips
from training.calibration import Reliability
from training.clip_batch import enlarged, tensors
from training.served import as_served
from worker.domain import FloatArray
from worker.models.calibration import ABSTAIN_BELOW, TEMPERATURE
from worker.specs import CLIP_FRAMES, MADVNET, RECOGNIZE

PICTURE: Final = "reliability.png"


def main() -> None:
    """Parse the command line, fit, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    parser.add_argument("--data", type=Path, default=Path("runs/data"))
    parser.add_argument("--validation", type=int, default=960, help="clips (default 960)")
    parser.add_argument("--test", type=int, default=1200, help="clips (default 1200)")
    parser.add_argument("--target", type=float, default=calibration.TARGET)
    chosen = parser.parse_args()
    _, own = halves(load_clips(chosen.data, "validation", chosen.validation))
    test = load_clips(chosen.data, "test", chosen.test)
    figures = calibrate(chosen.model_repo, own, test, chosen.target)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def calibrate(
    model_repo: Path, own: Clips, test: Clips, target: float = calibration.TARGET
) -> dict[str, float | str]:
    """Fit on `own`, judge on `test`, write what is found into the repository."""
    folder = model_repo / MADVNET.name
    network = folder / "1" / "model.onnx"
    fitted = calibration.fit(answers(network, own), own.label, target)
    raw = answers(network, test)
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
    repository.write_model(folder, MADVNET)
    repository.write_ensemble(model_repo / RECOGNIZE.name, model_repo)
    return figures


def answers(network: Path, clips: Clips) -> FloatArray:
    """Probabilities f32 [N, labels] of the exported network."""
    session = ort.InferenceSession(str(network))
    crops, depth, units, _ = tensors(clips, CLIP_FRAMES)
    rows = []
    for seen, relief, change in zip(crops, depth, units, strict=True):
        large = enlarged(relief[None], seen[None])[0].numpy()
        feeds = {"crops": as_served(seen.numpy()), "depth": large, "action_units": change.numpy()}
        rows.append(session.run(["probabilities"], feeds)[0])
    return np.stack(rows)


if __name__ == "__main__":
    main()
