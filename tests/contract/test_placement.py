"""What docker/triton/placement.py makes of the model repository."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from worker.models import au
from worker.specs import DEPTH
from worker.triton.repository import read_config

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docker/triton/placement.py"
NETWORKS = ("au", "depth", "madvnet")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    copied = tmp_path / "model_repo"
    shutil.copytree(ROOT / "model_repo", copied, ignore=shutil.ignore_patterns("*.onnx"))
    return copied


def place(repository: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, SCRIPT, repository, *options)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def configs(repository: Path) -> dict[str, ModelConfig]:
    """As Triton parses them."""
    names = [path.parent.name for path in repository.glob("*/config.pbtxt")]
    return {name: read_config(repository, name) for name in names}


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_every_model_is_told_where_it_runs(repository: Path, kind: str) -> None:
    before = configs(repository)
    assert place(repository, "--on", kind, "--instances", "2").returncode == 0
    after = configs(repository)
    assert after["recognize"] == before["recognize"]  # an ensemble runs nowhere
    for name in (*NETWORKS, "face"):
        (group,) = after[name].instance_group
        assert group.count == 2
        assert ModelInstanceGroup.Kind.Name(group.kind) == f"KIND_{kind.upper()}"
        after[name].instance_group[0].CopyFrom(before[name].instance_group[0])
        assert after[name] == before[name]


def test_a_queue_may_wait_for_more(repository: Path) -> None:
    assert place(repository, "--on", "cpu", "--queue-delay-us", "500").returncode == 0
    after = configs(repository)
    assert after["depth"].dynamic_batching.max_queue_delay_microseconds == 500
    assert not after["au"].HasField("dynamic_batching")


def test_tensorrt_gets_fixed_buckets_and_a_folder_for_its_engines(repository: Path) -> None:
    assert place(repository, "--on", "gpu", "--tensorrt", "fp32").returncode == 0
    after = configs(repository)
    assert not after["face"].HasField("optimization")
    told = {name: tensorrt(after[name]) for name in NETWORKS}
    for options in told.values():
        assert options["precision_mode"] == "FP32"
        assert options["trt_engine_cache_path"] == "/engines"
    assert told["au"]["trt_profile_max_shapes"] == "crops:64x3x112x112,reference:1x3x112x112"
    assert told["depth"]["trt_profile_opt_shapes"] == "crops:16x3x112x112"
    assert not any(key.startswith("trt_profile") for key in told["madvnet"])


def test_buckets_hold_what_workers_send() -> None:
    assert au.WINDOW == 64
    assert DEPTH.max_batch == 64


def tensorrt(config: ModelConfig) -> dict[str, str]:
    (accelerator,) = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    return dict(accelerator.parameters)


def weights(repository: Path) -> dict[str, str]:
    found = configs(repository)
    return {name: found[name].parameters["digest"].string_value for name in NETWORKS}


def test_fp16_needs_a_comparison_that_was_passed_with_these_weights(
    repository: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "fp16.json"
    asked = ("--on", "gpu", "--tensorrt", "fp16", "--proof", proof)
    before = configs(repository)
    own = weights(repository)
    for written in (
        None,
        {"passed": False, "weights": own},
        {"passed": True, "weights": {**own, "au": "sha256:other"}},
    ):
        if written is not None:
            proof.write_text(json.dumps(written), encoding="utf-8")
        done = place(repository, *asked)
        assert done.returncode == 1
        assert "fp16.json" in done.stderr
        assert configs(repository) == before
    proof.write_text(json.dumps({"passed": True, "weights": own}), encoding="utf-8")
    assert place(repository, *asked).returncode == 0
    assert tensorrt(configs(repository)["au"])["precision_mode"] == "FP16"


def test_fp16_can_be_had_without_proof_to_be_compared(repository: Path) -> None:
    asked = ("--on", "gpu", "--tensorrt", "fp16", "--unproven")
    assert place(repository, *asked).returncode == 0
    assert tensorrt(configs(repository)["depth"])["precision_mode"] == "FP16"


def test_a_repository_is_not_placed_twice(repository: Path) -> None:
    assert place(repository, "--on", "gpu").returncode == 0
    done = place(repository, "--on", "cpu")
    assert done.returncode == 1
    assert "already" in done.stderr


def test_tensorrt_on_cpus_is_misuse(repository: Path) -> None:
    assert place(repository, "--on", "cpu", "--tensorrt", "fp32").returncode == 2
