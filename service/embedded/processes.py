"""Child processes with a log file each, which end when told and never outlive their parent."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TAIL_LINES = 15


class StackError(Exception):
    """The stack cannot start or go on. The message is for people and names the log."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `stdin` is fed to it, so that secrets need neither arguments nor files."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    death_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends it when the supervisor dies without saying so."""
    grace_s: float = 10.0
    """How long it may take to end after SIGTERM."""


class Child:
    """One running command, in a session of its own so that Ctrl-C reaches the supervisor only."""

    def __init__(self, command: Command) -> None:
        self.command = command
        leash = (sys.executable, "-m", "service.embedded.leash")
        with command.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*leash, str(int(command.death_signal)), str(os.getpid()), *command.argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **command.env},
                start_new_session=True,
            )
        self._feed(command.stdin)

    def _feed(self, data: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            raise TypeError("stdin is a pipe")
        # A child that died at once is noticed by whoever waits for it.
        with contextlib.suppress(BrokenPipeError), stream:
            stream.write(data)

    @property
    def pid(self) -> int:
        """Of the command itself: the leash has become it."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code (negative: the signal that ended it), None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting for what comes of it."""
        if self.returncode is None:
            self._process.terminate()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL for it and what it left in its process group."""
        if self.returncode is None:
            self.ask_to_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.command.grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def obituary(self) -> str:
        """How it ended, and its last log lines."""
        name, log = self.command.name, self.command.log
        with log.open(encoding="utf-8", errors="replace") as lines:
            tail = "\n".join(f"  {line.rstrip():.160}" for line in deque(lines, _TAIL_LINES))
        return f"{name} ended with code {self.returncode}; last lines of {log}:\n{tail}"
