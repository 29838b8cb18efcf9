"""Says in a model repository's configurations where and how its models run; for image builds.

    python placement.py model_repo --on gpu --tensorrt fp32

Where the models run is said, not found out: a GPU that is missing ends the server at its start.
"""

import argparse
import json
import re
import sys
from pathlib import Path

UNPLACED = "instance_group [ { count: 1 } ]"
"""As `training.export` writes it for each model that is no ensemble."""
QUEUE = "dynamic_batching {\n"
ENGINES = "/engines"
"""Where TensorRT keeps what it has built, for this GPU and this version of it."""
BUCKETS = {
    "au": (("crops", (1, 64, 64)), ("reference", (1, 1, 1))),
    "depth": (("crops", (1, 16, 64)),),
}
"""Rows of an input: fewest, most often, most. An engine is built for them once, never in a request.

MADV-Net's shapes are fixed. The face detector's images differ in size, so it stays on CUDA.
"""
WITH_TENSORRT = ("au", "depth", "madvnet")
_CROP = "3x112x112"
_DIGEST = re.compile(r'key: "digest" value \{ string_value: "([^"]+)" \}')


class Refused(Exception):
    """What was asked for is not done; the message says why."""


def place(config: str, kind: str, instances: int) -> str:
    """A configuration with instances on CPUs or GPUs; an ensemble has none and stays as it is."""
    if UNPLACED not in config:
        if 'platform: "ensemble"' in config:
            return config
        raise Refused(f"a configuration says where it runs already, or lacks `{UNPLACED}`")
    placed = f"instance_group [ {{ count: {instances} kind: KIND_{kind.upper()} }} ]"
    return config.replace(UNPLACED, placed)


def wait_for_more(config: str, delay_us: int) -> str:
    """A configuration whose queue, where it has one, holds requests back to batch them."""
    return config.replace(QUEUE, f"{QUEUE}  max_queue_delay_microseconds: {delay_us}\n")


def accelerate(config: str, model: str, precision: str) -> str:
    """A configuration that has ONNX Runtime hand a model to TensorRT."""
    options = {
        "precision_mode": precision.upper(),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": ENGINES,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": ENGINES,
        **_profile(model),
    }
    lines = "".join(
        f'    parameters {{ key: "{key}" value: "{value}" }}\n' for key, value in options.items()
    )
    accelerator = f'  gpu_execution_accelerator: [ {{\n    name: "tensorrt"\n{lines}  }} ]\n'
    return f"{config}optimization {{ execution_accelerators {{\n{accelerator}}} }}\n"


def _profile(model: str) -> dict[str, str]:
    """The buckets as ONNX Runtime reads them; none for a model whose shapes are fixed."""
    inputs = BUCKETS.get(model, ())
    return {
        f"trt_profile_{which}_shapes": ",".join(
            f"{name}:{rows[place_]}x{_CROP}" for name, rows in inputs
        )
        for place_, which in enumerate(("min", "opt", "max"))
        if inputs
    }


def digests(repository: Path) -> dict[str, str]:
    """Digest of the weights of each model that TensorRT would run."""
    found = {}
    for model in WITH_TENSORRT:
        match = _DIGEST.search((repository / model / "config.pbtxt").read_text(encoding="utf-8"))
        if match is None:
            raise Refused(f"the configuration of {model} names no digest")
        found[model] = match[1]
    return found


def check_proof(proof: Path, repository: Path) -> None:
    """Refuse FP16 unless a comparison of these very weights has been passed."""
    if not proof.is_file():
        raise Refused(f"{proof} is missing: benchmarks/agreement.py writes it")
    written = json.loads(proof.read_text(encoding="utf-8"))
    if not written["passed"]:
        raise Refused(f"{proof}: the comparison failed")
    if written["weights"] != digests(repository):
        raise Refused(f"{proof} is about other weights: compare anew")


def main(words: list[str]) -> None:
    """Rewrite the configurations, or none."""
    told = _parsed(words)
    if told.tensorrt == "fp16" and not told.unproven:
        check_proof(told.proof, told.repository)
    files = sorted(told.repository.glob("*/config.pbtxt"))
    if not files:
        raise Refused(f"there are no models in {told.repository}")
    written = {}
    for file in files:
        config = place(file.read_text(encoding="utf-8"), told.on, told.instances)
        if told.queue_delay_us:
            config = wait_for_more(config, told.queue_delay_us)
        if told.tensorrt and file.parent.name in WITH_TENSORRT:
            config = accelerate(config, file.parent.name, told.tensorrt)
        written[file] = config
    for file, config in written.items():
        file.write_text(config, encoding="utf-8")


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--on", choices=("cpu", "gpu"), required=True)
    parser.add_argument("--instances", type=int, default=1, help="of each model, on each device")
    parser.add_argument("--queue-delay-us", type=int, default=0)
    parser.add_argument("--tensorrt", choices=("fp32", "fp16"))
    parser.add_argument("--proof", type=Path, default=Path(__file__).with_name("fp16.json"))
    parser.add_argument("--unproven", action="store_true", help="FP16 in order to compare it")
    told = parser.parse_args(words)
    if told.tensorrt and told.on != "gpu":
        parser.error("TensorRT runs on GPUs")
    return told


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(str(refused))
