"""Files of docker/, judged without a container engine."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

from service.queue import ClipQueue
from worker.contract import QUEUE_NAME

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent
DOCKERFILES = sorted(DOCKER.glob("*/Dockerfile"))
COMPOSE_FILES = sorted(DOCKER.glob("compose*.yaml"))
KUBERNETES = DOCKER / "kubernetes"
LOCKS = sorted((DOCKER / "locks").glob("*.txt"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
OLDEST_SAFE_TRITON = (26, 7)
OF_GATEWAYS = {
    "cachetools",
    "fastapi",
    "httptools",
    "httpx",
    "httpx-sse",
    "limits",
    "multipart",
    "pyarrow",
    "standardwebhooks",
    "uvicorn",
    "uvloop",
}
"""What the base install holds and a worker never imports."""


def _run(*argv: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=DOCKER,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    done = _run(BIN / "hadolint", file)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_images_have_users_health_labels_and_no_secrets(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    steps = {step["instruction"]: step["value"] for step in DockerfileParser(str(file)).structure}
    assert steps["USER"] in {"10001:10001", "1000:1000"}
    assert "HEALTHCHECK" in steps
    assert "org.opencontainers.image.revision" in steps["LABEL"]
    assert re.search(r"password|secret|token|_key", text, re.IGNORECASE) is None


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_what_is_copied_is_there_and_let_into_the_build(file: Path) -> None:
    lines = (DOCKER.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    for step in DockerfileParser(str(file)).structure:
        if step["instruction"] != "COPY" or step["value"].startswith("--from="):
            continue
        for source in step["value"].split()[:-1]:
            assert (DOCKER.parent / source).exists(), source
            folders = [source, *map(str, Path(source).parents)]
            assert any(fnmatch(name, one) for name in folders for one in let_in), source


def test_triton_is_new_enough() -> None:
    text = (DOCKER / "triton/Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ARG TRITON_IMAGE=\S+:(\d+)\.(\d+)-py3$", text, re.MULTILINE)
    assert found is not None
    assert (int(found[1]), int(found[2])) >= OLDEST_SAFE_TRITON


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=lambda file: file.name)
def test_compose_files_meet_the_specification(file: Path) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = _run(BIN / "check-jsonschema", *schema, file)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("files", [COMPOSE_FILES[-1:], COMPOSE_FILES], ids=["cpu", "gpu"])
def test_docker_compose_accepts_the_files(files: list[Path]) -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed (Debian's package of that name)")
    options = [word for file in reversed(files) for word in ("-f", file)]
    done = _run("docker-compose", *options, "config", "--quiet", MADV_REDIS_PASSWORD="x")  # noqa: S106
    assert done.returncode == 0, done.stderr


def test_every_service_is_confined(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_only_the_gateway_is_reached_and_reaches_out(services: dict[str, dict[str, Any]]) -> None:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    inside = {name for name, network in compose["networks"].items() if network.get("internal")}
    assert {name for name, service in services.items() if "ports" in service} == {"gateway"}
    for name, service in services.items():
        assert name == "gateway" or set(service["networks"]) <= inside, name


@pytest.mark.parametrize("file", sorted(KUBERNETES.glob("base/[!k]*.yaml")), ids=lambda f: f.name)
def test_kubernetes_knows_every_field(file: Path, tmp_path: Path) -> None:
    documents = _documents(file.read_text(encoding="utf-8"))
    _check_kubernetes(documents, tmp_path)


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_overlays_build_and_are_valid(overlay: str, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which carries kustomize, is not installed")
    built = _run("kubectl", "kustomize", KUBERNETES / overlay)
    assert built.returncode == 0, built.stderr
    documents = _documents(built.stdout)
    _check_kubernetes(documents, tmp_path)
    (triton,) = [
        d for d in documents if (d["kind"], d["metadata"]["name"]) == ("Deployment", "triton")
    ]
    pod = triton["spec"]["template"]["spec"]
    assert ("nvidia.com/gpu" in pod["containers"][0]["resources"]["limits"]) == (overlay == "gpu")
    assert ("nodeSelector" in pod) == (overlay == "gpu")


def test_workers_are_counted_by_the_queue_they_work_on() -> None:
    text = (KUBERNETES / "base/scaling.yaml").read_text(encoding="utf-8")
    scaled = next(d for d in _documents(text) if d["kind"] == "ScaledObject")
    assert scaled["spec"]["triggers"][0]["metadata"]["listName"] == f"rq:queue:{QUEUE_NAME}"
    assert scaled["spec"]["scaleTargetRef"] == {"name": "worker"}


def test_queue_has_the_key_that_scaling_reads() -> None:
    from redis import Redis  # noqa: PLC0415

    queue = ClipQueue(Redis(), attempt_timeout_s=1, retries=0)
    assert queue.list_key == f"rq:queue:{QUEUE_NAME}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_hold_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    ("lock", "extras", "left_out"),
    [
        ("gateway", {"telemetry"}, set()),
        ("worker", {"worker", "telemetry"}, OF_GATEWAYS),
        ("training", {"training"}, set()),
    ],
)
def test_locks_are_of_today(lock: str, extras: set[str], left_out: set[str]) -> None:
    text = (DOCKER / f"locks/{lock}.txt").read_text(encoding="utf-8")
    locked = dict(PINNED.findall(text))
    wanted = _requirements(extras)
    assert {requirement.name for requirement in wanted} - locked.keys() == left_out, "`make lock`"
    for requirement in wanted:
        if requirement.name not in left_out:
            assert requirement.specifier.contains(locked[requirement.name]), "`make lock`"


def _requirements(extras: set[str]) -> list[Requirement]:
    """Of this project with some extras, those that they build on included."""
    text = (DOCKER.parent / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    found = [Requirement(line) for line in project["dependencies"]]
    left = list(extras)
    while left:
        lines = project["optional-dependencies"][left.pop()]
        more = [Requirement(line) for line in lines]
        left += [inner for one in more if one.name == "madv" for inner in one.extras]
        found += [one for one in more if one.name != "madv"]
    return found


def _check_kubernetes(documents: list[dict[str, Any]], scratch: Path) -> None:
    """Against the schemas of Kubernetes, where it has one: KEDA's kinds are its own."""
    known = [d for d in documents if not d["apiVersion"].startswith(("keda.sh", "kustomize"))]
    file = scratch / "documents.json"
    file.write_text("\n---\n".join(json.dumps(d) for d in known), encoding="utf-8")
    if known:
        done = _run(BIN / "kubernetes-validate", "--strict", file)
        assert done.returncode == 0, done.stdout + done.stderr
