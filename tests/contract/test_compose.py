"""The compose files, judged without a container engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
BIN = Path(sys.executable).parent
BASE = DOCKER / "compose.yaml"
OVERLAYS = sorted(DOCKER.glob("compose.*.yaml"))
CONFINED_TO = {"worker": ["no-new-privileges:true", "seccomp:./worker/seccomp.json"]}
"""What a service's security options are where they are not everybody's."""


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(BASE.read_text(encoding="utf-8"))["services"]
    return found


COMBINATIONS = [[BASE], *([BASE, file] for file in OVERLAYS), [BASE, *OVERLAYS]]


def _config(command: tuple[str, ...], files: list[Path]) -> subprocess.CompletedProcess[str]:
    """Docker Compose's own reading of the files; it exits with another code than 0 at an error."""
    options = [word for file in files for word in ("-f", str(file))]
    return subprocess.run(
        (*command, *options, "config"),
        cwd=DOCKER,
        env={**os.environ, "MADV_REDIS_PASSWORD": "x", "MADV_METRICS_TOKEN": "x"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("file", [BASE, *OVERLAYS], ids=lambda file: file.name)
def test_compose_files_meet_the_specification(file: Path) -> None:
    check = (BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", [("docker-compose",), ("docker", "compose")], ids="-".join)
@pytest.mark.parametrize("files", COMBINATIONS, ids=lambda files: files[-1].stem + str(len(files)))
def test_docker_compose_accepts_the_files(command: tuple[str, ...], files: list[Path]) -> None:
    try:
        subprocess.run((*command, "version"), capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip(f"{' '.join(command)} is not installed")
    done = _config(command, files)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) >= {"gateway", "worker", "triton", "redis"}


def test_every_service_is_confined(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        _assert_confined(name, service)


def test_overlays_loosen_nothing(services: dict[str, dict[str, Any]]) -> None:
    locks = {"cap_add", "privileged", "security_opt", "read_only", "ports", "networks", "pid"}
    for overlay in OVERLAYS:
        own = yaml.safe_load(overlay.read_text(encoding="utf-8"))["services"]
        for name, service in own.items():
            if name in services:
                assert locks.isdisjoint(service), (overlay.name, name)
                assert service.get("user", "10001:10001") == "10001:10001", (overlay.name, name)
            else:
                _assert_confined(name, service)


def _assert_confined(name: str, service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped", name
    assert service["read_only"], name
    assert service["cap_drop"] == ["ALL"], name
    options = CONFINED_TO.get(name, ["no-new-privileges:true"])
    assert service["security_opt"] == options, name
    assert not service.get("privileged"), name
    for port in service.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${MADV_BIND:-127.0.0.1}:")), name


def test_only_the_gateway_is_reached_and_reaches_out(services: dict[str, dict[str, Any]]) -> None:
    compose = yaml.safe_load(BASE.read_text(encoding="utf-8"))
    inside = {name for name, network in compose["networks"].items() if network.get("internal")}
    assert {name for name, service in services.items() if "ports" in service} == {"gateway"}
    for name, service in services.items():
        assert name == "gateway" or set(service["networks"]) <= inside, name
