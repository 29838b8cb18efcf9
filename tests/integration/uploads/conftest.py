"""Uploads sent piece by piece, and a look at everything they may leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from service.embedded.ports import LOOPBACK
from service.embedded.processes import Child, Command
from service.embedded.redis import send
from service.embedded.wiring import Wiring
from service.principal import LOCAL
from service.store.names import RESERVATIONS, active_key

if TYPE_CHECKING:
    from tests.integration.conftest import RunningGateway

CLIP_HEAD = b"\x00\x00\x00\x20ftypisom"
_PIECE = bytes(64 * 1024)
_OPENING = (
    b'--frame\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n\r\n'
    + CLIP_HEAD
)
_CLOSING = b"\r\n--frame--\r\n"


@pytest.fixture(autouse=True)
def _linux() -> None:
    if sys.platform != "linux":
        pytest.skip("looks at the gateway through Linux's /proc")


class Upload:
    """A form sent piece by piece on a connection of its own; begun once the gateway asks for it."""

    def __init__(self, port: int, clip_bytes: int, key: str = "none") -> None:
        self._left = clip_bytes - len(CLIP_HEAD)
        self._connection = socket.create_connection((LOOPBACK, port), timeout=60.0)
        self._answer = self._connection.makefile("rb")
        head = (
            "POST /v1/recognize HTTP/1.1",
            f"Host: {LOOPBACK}",
            f"Authorization: Bearer {key}",
            "Content-Type: multipart/form-data; boundary=frame",
            f"Content-Length: {len(_OPENING) + self._left + len(_CLOSING)}",
            "Expect: 100-continue",
        )
        self._connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        assert self.status() == 100
        assert self._answer.readline() == b"\r\n"
        self._connection.sendall(_OPENING)

    def send(self, size: int) -> None:
        for start in range(0, size, len(_PIECE)):
            self._connection.sendall(_PIECE[: size - start])
        self._left -= size

    def finish(self) -> int:
        """Send what is left; the status of the answer."""
        self.send(self._left)
        self._connection.sendall(_CLOSING)
        return self.status()

    def status(self) -> int:
        """Of the next answer, read up to its first line."""
        return int(self._answer.readline().split()[1])

    def leave(self) -> None:
        """Close the connection, whatever was sent."""
        self._answer.close()
        self._connection.close()


@dataclass(frozen=True)
class Traces:
    """What uploads are known by until they are jobs."""

    blobs: list[str] = field(default_factory=list)
    open_files: list[str] = field(default_factory=list)
    """Of the gateway, also where they have no name any more."""
    reservations: int = 0
    slots: int = 0
    """Taken of the key's concurrency."""


@dataclass(frozen=True)
class Watched:
    """A gateway whose traces of uploads can be looked at, in whatever mounts it lives."""

    wiring: Wiring
    child: Child
    http: httpx.Client

    def upload(self, clip_bytes: int, key: str = "none") -> Upload:
        return Upload(self.wiring.gateway_port, clip_bytes, key)

    def post(self, clip_bytes: int, key: str = "none", options: str = "{}") -> httpx.Response:
        """The answer to a whole upload."""
        return self.http.post(
            "/v1/recognize",
            files={"file": CLIP_HEAD + bytes(clip_bytes - len(CLIP_HEAD))},
            data={"options": options},
            headers={"Authorization": f"Bearer {key}"},
        )

    def traces(self, key_id: str = LOCAL.key_id) -> Traces:
        return Traces(
            blobs=self._blobs(),
            open_files=self._open_files(),
            reservations=self._count("ZCARD", RESERVATIONS),
            slots=self._count("SCARD", active_key(key_id)),
        )

    def _blobs(self) -> list[str]:
        blobs = seen_by(self.child, self.wiring.data_dir / "blobs")
        return sorted(str(path.relative_to(blobs)) for path in blobs.rglob("*") if path.is_file())

    def _open_files(self) -> list[str]:
        log = str(self.child.command.log)
        names = map(_name_of_file, Path(f"/proc/{self.child.pid}/fd").iterdir())
        return sorted(name for name in names if name and name != log)

    def _count(self, command: str, key: str) -> int:
        return int(send(self.wiring, command, key).removeprefix(b":"))


def seen_by(child: Child, path: Path) -> Path:
    """A path as a process sees it, in its own mounts."""
    return Path(f"/proc/{child.pid}/root") / path.relative_to("/")


def _name_of_file(descriptor: Path) -> str:
    """Of a regular file a process holds open; empty for sockets and the like."""
    try:
        return str(descriptor.readlink()) if stat.S_ISREG(descriptor.stat().st_mode) else ""
    except FileNotFoundError:
        return ""  # closed just now


@pytest.fixture
def watch(
    wiring: Wiring, run_gateway: Callable[[Command], AbstractContextManager[RunningGateway]]
) -> Iterator[Callable[[Command], Watched]]:
    """Starts a gateway by a command; it ends with the test."""
    with ExitStack() as running:

        def start(command: Command) -> Watched:
            gateway = running.enter_context(run_gateway(command))
            return Watched(wiring, gateway.child, gateway.http)

        yield start


_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")
_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2"; shift 2; exec "$@"'


@pytest.fixture
def on_small_disk() -> Callable[..., Command]:
    """Has a command run in mounts of its own, one folder on a disk of so many bytes.

    Other mounts are prepared by a shell script. Skips the test where that is not permitted.
    """

    def confine(command: Command, folder: Path, size: int, preparation: str = "") -> Command:
        folder.mkdir(exist_ok=True)
        entered = (*_NAMESPACE, preparation + _MOUNT, "sh", str(size), str(folder))
        _skip_unless_possible((*entered, "true"), command.env)
        # Entering a namespace slips the leash: it is put on again inside.
        leash = ("service.embedded.leash", str(int(signal.SIGTERM)), str(os.getpid()))
        return replace(command, argv=(*entered, sys.executable, "-m", *leash, *command.argv))

    return confine


def _skip_unless_possible(argv: Sequence[str], env: Mapping[str, str]) -> None:
    try:
        subprocess.run(argv, env={**os.environ, **env}, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here, the command of util-linux")
    except subprocess.CalledProcessError as refusal:
        pytest.skip(f"mounts of one's own are not permitted here: {refusal.stderr.strip()}")


@pytest.fixture
def fill() -> Callable[[Child, Path], Path]:
    """Fills the disk of a folder as a process sees it; what is to be removed to make room."""

    def write(child: Child, folder: Path) -> Path:
        path = seen_by(child, folder) / "filler"
        with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        return path

    return write
