"""The tritonserver of the nvidia-pytriton wheel, with our onnxruntime backend beside its own."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from service.embedded.packages import package_folder
from service.embedded.ports import LOOPBACK
from service.embedded.processes import Command
from service.embedded.wiring import Wiring

_WHEEL = "nvidia-pytriton"
_SHM_PREFIX = "madv"
_SHM_BYTES = 4 * 1024 * 1024
"""Per model instance, at start and per growth: one window of 64 crops is 2.4 MB."""
_STUB = "triton_python_backend_stub"


class TritonUnavailable(Exception):
    """This machine cannot run the binary; the message says why."""


@dataclass(frozen=True, slots=True)
class TritonInstall:
    """The parts of one installed server."""

    binary: Path
    python_backend: Path
    stub: Path
    onnxruntime_backend: Path
    library_path: str
    wheel_version: str


def find_triton() -> TritonInstall:
    """The installed server, tried once. Raises TritonUnavailable."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise TritonUnavailable(f"no Triton wheel for {sys.platform} {platform.machine()}")
    package = package_folder("pytriton")
    if package is None:
        raise TritonUnavailable(f"the wheel {_WHEEL} is not installed")
    server = package / "tritonserver"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    install = TritonInstall(
        binary=server / "bin" / "tritonserver",
        python_backend=server / "backends" / "python",
        stub=server / "python_backend_stubs" / python / _STUB,
        onnxruntime_backend=(package_folder("worker") or Path()) / "triton" / "onnxruntime",
        library_path=os.pathsep.join(
            [str(package.parent / "nvidia_pytriton.libs"), str(_libpython_folder())]
        ),
        wheel_version=version(_WHEEL),
    )
    _refuse_unless_whole(install)
    return install


def triton_command(install: TritonInstall, wiring: Wiring) -> Command:
    """The server: gRPC on loopback and nothing else, models fixed at start."""
    arguments = {
        "model-repository": wiring.model_repo,
        "backend-directory": _assemble_backends(install, wiring.data_dir / "backends"),
        "model-control-mode": "none",
        "strict-readiness": "true",
        "exit-on-error": "true",
        "exit-timeout-secs": "5",
        "allow-http": "false",
        "allow-metrics": "false",
        "grpc-address": LOOPBACK,
        "grpc-port": wiring.triton_port,
    }
    shared_memory = {
        "shm-region-prefix-name": f"{shm_prefix(wiring.data_dir)}_",
        "shm-default-byte-size": _SHM_BYTES,
        "shm-growth-byte-size": _SHM_BYTES,
    }
    return Command(
        "triton",
        (
            str(install.binary),
            *(f"--{name}={value}" for name, value in arguments.items()),
            *(f"--backend-config=python,{name}={value}" for name, value in shared_memory.items()),
        ),
        wiring.log("triton"),
        env=_environment(install),
        grace_s=15.0,
    )


def shm_prefix(data_dir: Path) -> str:
    """Name of this stack's shared memory: one per data folder, so that stacks do not meet."""
    return f"{_SHM_PREFIX}_{hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]}"


def sweep_shared_memory(data_dir: Path) -> None:
    """Remove regions a killed server of this data folder left behind.

    Safe only while no server runs on it: the stack's lock sees to that.
    """
    for region in Path("/dev/shm").glob(f"{shm_prefix(data_dir)}_*"):  # noqa: S108  # POSIX shm
        region.unlink(missing_ok=True)


def _assemble_backends(install: TritonInstall, folder: Path) -> Path:
    """A backend folder: Triton's Python backend with its stub, and ours on top of it.

    Copies, because Triton refuses libraries that are links out of the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "python"
    python.mkdir(parents=True)
    for part in (*install.python_backend.iterdir(), install.stub):
        if part.is_file():
            shutil.copy2(part, python)
    shutil.copytree(
        install.onnxruntime_backend,
        folder / "onnxruntime",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def _environment(install: TritonInstall) -> dict[str, str]:
    """Libraries for the server, and for the stub this interpreter's packages.

    The stub ignores PYTHONPATH: it takes the environment of the first `python3` on PATH.
    """
    return {
        "LD_LIBRARY_PATH": _before(install.library_path, "LD_LIBRARY_PATH"),
        "PATH": _before(str(Path(sys.executable).parent), "PATH"),
    }


def _before(first: str, variable: str) -> str:
    return os.pathsep.join(filter(None, (first, os.environ.get(variable))))


def _refuse_unless_whole(install: TritonInstall) -> None:
    for part in (install.binary, install.python_backend, install.stub, install.onnxruntime_backend):
        if not part.exists():
            raise TritonUnavailable(f"{part} is missing")
    try:
        tried = subprocess.run(
            [install.binary, "--help"],
            capture_output=True,
            timeout=30,
            check=False,
            env={**os.environ, **_environment(install)},
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise TritonUnavailable(f"the binary does not run: {exc}") from exc
    if b"--model-repository" not in tried.stdout + tried.stderr:
        raise TritonUnavailable(f"the binary does not run: {tried.stderr.decode()[-300:]}")


def _libpython_folder() -> Path:
    return Path(str(sysconfig.get_config_var("LIBDIR")))
