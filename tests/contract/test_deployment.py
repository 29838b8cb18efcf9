"""Dockerfiles and the locks of what they install, judged without a container engine."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import grimp
import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent
DOCKERFILES = sorted(DOCKER.glob("*/Dockerfile"))
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
    "pyjwt",
    "standardwebhooks",
    "uvicorn",
    "uvloop",
}
"""What the base install holds and a worker never imports."""


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    done = subprocess.run((BIN / "hadolint", file), capture_output=True, text=True, check=False)
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


def test_the_gateways_image_holds_all_that_it_imports_of_the_worker() -> None:
    copied = {
        source.removesuffix(".py")
        for step in DockerfileParser(str(DOCKER / "gateway/Dockerfile")).structure
        if step["instruction"] == "COPY"
        for source in step["value"].split()[:-1]
    }
    imported = grimp.build_graph("service", "worker").find_upstream_modules(
        "service", as_package=True
    )
    missing = {
        module
        for module in imported
        if module.startswith("worker.")
        and copied.isdisjoint(map(str, [path := Path(*module.split(".")), *path.parents]))
    }
    assert missing == set()


def test_triton_is_new_enough() -> None:
    text = (DOCKER / "triton/Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ARG TRITON_IMAGE=\S+:(\d+)\.(\d+)-py3$", text, re.MULTILINE)
    assert found is not None
    assert (int(found[1]), int(found[2])) >= OLDEST_SAFE_TRITON


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
