"""Child processes that may die, and that never outlive their parent."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

if TYPE_CHECKING:  # one of them does not exist everywhere
    from multiprocessing.context import ForkContext, SpawnContext

P = ParamSpec("P")
T = TypeVar("T")
N = TypeVar("N")

_CONTEXT: Final["ForkContext | SpawnContext"] = (
    multiprocessing.get_context("fork")
    if sys.platform == "linux"
    else multiprocessing.get_context("spawn")
)
_CRASHES: Final = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGTRAP")
_PR_SET_PDEATHSIG = 1


class ChildDied(Exception):
    """A child ended without an answer. `signal_name` is set where a signal ended it."""

    def __init__(self, exit_code: int | None) -> None:
        is_signal = exit_code is not None and exit_code < 0
        self.signal_name = signal.Signals(-exit_code).name if exit_code and is_signal else None
        super().__init__(f"the child process ended with {self.signal_name or exit_code}")

    @property
    def is_crash(self) -> bool:
        """Whether it broke by itself, as opposed to being told to go."""
        return self.signal_name in _CRASHES


def call_in_child(
    timeout_s: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What the function returns when a child process calls it.

    On Linux the child is a fork, so open files and memory are shared; call it while no other
    thread can hold a lock the child needs.

    Raises:
        TimeoutError: It took longer than `timeout_s`; it has been killed.
        ChildDied: It crashed, or raised; the traceback is on standard error.
    """
    with _child(function, args, kwargs, tells=False) as (process, messages):
        answer: T = _await_answer(process, messages, timeout_s, _expect_nothing)
        return answer


def follow_child(
    timeout_s: float,
    hear: Callable[[N], None],
    function: Callable[Concatenate[Callable[[N], None], P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """The same for a function that tells how far it is: what it calls its first argument with.

    Args:
        timeout_s: The longest it may take.
        hear: Called here with whatever the function tells there.
        function: Its first argument tells, the others follow.
        args: The others.
        kwargs: Those with a name.

    Raises:
        TimeoutError: It took longer than `timeout_s`; it has been killed.
        ChildDied: It crashed, or raised; the traceback is on standard error.
    """
    with _child(function, args, kwargs, tells=True) as (process, messages):
        answer: T = _await_answer(process, messages, timeout_s, hear)
        return answer


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends, however that happens.

    Only Linux can; elsewhere an orphan finishes its work and ends by itself.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def limit_address_space(extra_bytes: int) -> None:
    """Let this process map at most `extra_bytes` more than it has now (Linux only)."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415  # exists on Unix alone

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@dataclass(frozen=True, slots=True)
class _Note:
    """Something told before the answer."""

    content: object


@contextmanager
def _child(
    function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], *, tells: bool
) -> Iterator[tuple[BaseProcess, Connection]]:
    """The child and where its messages will come; it is gone when the block ends."""
    messages, message = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(
        target=_answer, args=(message, os.getpid(), function, args, kwargs), kwargs={"tells": tells}
    )
    process.start()
    message.close()  # the child holds the other copy: its death closes the pipe
    try:
        yield process, messages
    finally:
        messages.close()
        process.kill()
        process.join()
        process.close()


def _await_answer(
    process: BaseProcess, messages: Connection, timeout_s: float, hear: Callable[[N], None]
) -> Any:  # noqa: ANN401  # whatever the child's function returns
    deadline_s = time.monotonic() + timeout_s
    while messages.poll(max(0.0, deadline_s - time.monotonic())):
        try:
            message = messages.recv()
        except EOFError as error:
            process.join()
            raise ChildDied(process.exitcode) from error
        if not isinstance(message, _Note):
            return message
        hear(message.content)  # type: ignore[arg-type]  # as the function's signature promises
    raise TimeoutError(f"no answer from the child process in {timeout_s} s")


def _expect_nothing(note: object) -> None:
    raise TypeError(f"nobody listens to {note}")


def _tell(messages: Connection, note: object) -> None:
    messages.send(_Note(note))


def _answer(
    messages: Connection,
    parent_pid: int,
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    tells: bool,
) -> None:
    die_with_parent(parent_pid)
    gc.freeze()  # what the parent left is not torn down here: its threads did not come along
    told = (partial(_tell, messages), *args) if tells else args
    messages.send(function(*told, **kwargs))
