"""The process that decodes, as its parent sees it: started bare, listened to, killed in the end.

FFmpeg can crash on damaged files, and may be taken over by hostile ones. So it runs in a program of
its own: nothing of its parent's memory, environment or open files comes along, but the one clip.
"""

import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

import worker
from worker.codes import ErrorCode
from worker.errors import ClipError, DecoderBroken, MadvError
from worker.process import ChildDied
from worker.video.child import Order
from worker.video.confine import filter_program
from worker.video.limits import DecodeLimits
from worker.video.messages import MESSAGES, Broken, Ended, Message, Opened, Picture, Refused
from worker.video.wire import LENGTHS, MOST_JSON_BYTES

_LOG = logging.getLogger(__name__)

Bytes = npt.NDArray[np.uint8]

_PIPE_BYTES: Final = 1 << 18
_EXIT_S: Final = 2.0
_KEPT: Final = ("LD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT")
"""Variables without which Python might not start. No others are handed down."""


class Decoder:
    """A context manager: the process runs inside, and is gone after."""

    def __init__(
        self, stored: BinaryIO, demuxer: str, fps: float | None, limits: DecodeLimits
    ) -> None:
        self._stored = stored
        self._order = Order(os.getpid(), demuxer, fps, limits, filter_program())
        self._limits = limits
        self._left_s = limits.timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._poll = select.poll()

    def __enter__(self) -> Self:
        command = [sys.executable, "-P", "-s", "-m", "worker.video.child", self._order.dump()]
        self._process = subprocess.Popen(
            command,
            stdin=self._stored,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            bufsize=0,
            pipesize=_PIPE_BYTES,
        )
        self._poll.register(self._pipe(), select.POLLIN)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._running().pid

    def messages(self) -> Iterator[tuple[Opened | Picture | Ended, Bytes]]:
        """All it says, up to the end, with the pixels of frames uint8 [line_bytes x height].

        Raises:
            ClipError: It refuses the clip, takes too long, or died of it.
            DecoderBroken: It failed for reasons of its own.
        """
        while True:
            message, pixels = self._next()
            if isinstance(message, Refused):
                raise ClipError(
                    message.code, message.detail, limit=message.limit, measured=message.measured
                )
            if isinstance(message, Broken):
                raise _broken(message)
            yield message, pixels
            if isinstance(message, Ended):
                return

    def _next(self) -> tuple[Message, Bytes]:
        try:
            size, following = LENGTHS.unpack(self._read(LENGTHS.size).data)
            if size > MOST_JSON_BYTES:
                raise _nonsense()
            message = MESSAGES.validate_json(bytes(self._read(size)))
            self._check(message, following)
            return message, self._read(following)
        except EOFError as error:
            raise self._obituary() from error
        except ValidationError as error:
            raise _nonsense() from error

    def _check(self, message: Message, following: int) -> None:
        """Before memory is taken for what follows."""
        image = message.image if isinstance(message, Picture) else None
        expected = 0
        if image is not None:
            expected = image.line_bytes * image.height
            if not image.is_sound or image.width * image.height > self._limits.max_pixels:
                raise _nonsense()
        if following != expected:
            raise _nonsense()

    def _read(self, size: int) -> Bytes:
        content = np.empty(size, dtype=np.uint8)
        rest = content.data
        pipe = self._pipe().fileno()
        while rest:
            self._wait()
            count = os.readv(pipe, [rest])
            if not count:
                raise EOFError
            rest = rest[count:]
        return content

    def _wait(self) -> None:
        """Until there is something to read. Only time spent here counts as the decoder's."""
        start_s = time.monotonic()
        is_ready = self._poll.poll(max(0.0, 1000 * self._left_s))
        self._left_s -= time.monotonic() - start_s
        if not is_ready:
            raise self._too_slow()

    def _too_slow(self) -> ClipError:
        limit = self._limits.timeout_s
        return ClipError(ErrorCode.DEADLINE_EXCEEDED, "decoding takes too long", limit=limit)

    def _obituary(self) -> MadvError:
        """Why it ended without a last word."""
        process = self._running()
        try:
            death = ChildDied(process.wait(_EXIT_S))
        except subprocess.TimeoutExpired:
            return _nonsense()  # it shut its mouth and lives on
        if death.signal_name == "SIGXCPU":
            return self._too_slow()
        if death.signal_name is None:
            return DecoderBroken(str(death))
        # Killed without having crashed: the kernel found its memory too much.
        return ClipError(
            ErrorCode.DAMAGED_VIDEO, f"the decoder crashed on this file ({death.signal_name})"
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the decoder is not running")
        return self._process

    def _pipe(self) -> BinaryIO:
        pipe = self._running().stdout
        if pipe is None:
            raise TypeError("standard output is a pipe")
        return pipe  # type: ignore[return-value]  # unbuffered, it is a raw binary file


def _broken(message: Broken) -> MadvError:
    """A clip that meets a defect of ours would meet it again: no reason to try it again."""
    if message.is_machines:
        return DecoderBroken(message.traceback)
    _LOG.error("a defect of the decoder, met by a clip: %s", message.traceback)
    return ClipError(ErrorCode.DAMAGED_VIDEO, "the decoder fails on this file")


def _nonsense() -> ClipError:
    return ClipError(ErrorCode.DAMAGED_VIDEO, "the decoder went astray on this file")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(worker.__path__[0]).parent)}
