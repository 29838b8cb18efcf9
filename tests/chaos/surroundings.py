"""Disks that fill up and clocks that jump, for processes of our own alone."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from service.embedded.packages import package_folder
from service.embedded.processes import Command

DISK_BYTES: Final = 24 * 1024 * 1024
_NAMESPACE: Final = ("unshare", "--user", "--map-root-user", "--mount")
_MOUNTS: Final = 'for at; do mount -t tmpfs -o size="$SIZE" tmpfs "$at"; done; echo; exec cat'
"""The holder ends with the pipe it reads, however this process does."""


@dataclass
class Disks:
    """Small file systems in mounts of their own; None where that is not permitted."""

    holder: "subprocess.Popen[bytes]"
    folders: Sequence[Path]

    @classmethod
    def make(cls, folders: Sequence[Path]) -> "Disks | None":
        """Disks at these folders, seen by whoever enters."""
        try:
            holder = subprocess.Popen(
                [*_NAMESPACE, "sh", "-ec", _MOUNTS, "sh", *map(str, folders)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "SIZE": str(DISK_BYTES)},
            )
        except FileNotFoundError:
            return None
        if holder.stdout is None or holder.stdout.readline() != b"\n":
            holder.communicate()
            return None
        return cls(holder, folders)

    def inside(self, command: Command) -> Command:
        """The command among these mounts. Entering slips the leash: it is put on again inside."""
        leash = ("service.embedded.leash", str(int(command.death_signal)), str(os.getpid()))
        entered = ("nsenter", "--preserve-credentials", "--user", "--mount")
        # The folder one works in is that of the mounts one comes from.
        moved = ("sh", "-c", 'cd "$0" && exec "$@"', str(Path.cwd()), sys.executable, "-m", *leash)
        target = ("--target", str(self.holder.pid), *moved)
        return replace(command, argv=(*entered, *target, *command.argv))

    def path(self, path: Path) -> Path:
        """The same path as seen from outside."""
        return Path(f"/proc/{self.holder.pid}/root") / path.relative_to("/")

    def close(self) -> None:
        """Give them up with all they hold."""
        self.holder.kill()
        self.holder.wait()
        for stream in filter(None, (self.holder.stdin, self.holder.stdout)):
            stream.close()


@dataclass
class Clocks:
    """A clock for each group of processes, to be set while they run."""

    library: Path
    folder: Path

    @classmethod
    def find(cls, folder: Path) -> "Clocks | None":
        """Clocks that are right; None without libfaketime."""
        package = package_folder("libfaketime")
        found = sorted((package or folder).glob("vendor/libfaketime/src/libfaketime.so*"))
        return cls(found[0], folder) if found else None

    def environment(self, group: str) -> Mapping[str, str]:
        """What has a process of a group look at its clock."""
        self.set(group, 0)
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(group)),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }

    def set(self, group: str, ahead_s: int) -> None:
        """Put a group's clock so far ahead of the true time; it follows within a second."""
        fresh = self._file(group).with_suffix(".new")
        fresh.write_text(f"{ahead_s:+d}\n", encoding="ascii")
        fresh.replace(self._file(group))

    def _file(self, group: str) -> Path:
        return self.folder / f"clock-{group}"
