"""Child processes that may die, and that never outlive their parent."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:  # one of them does not exist everywhere
    from multiprocessing.context import ForkContext, SpawnContext

P = ParamSpec("P")
T = TypeVar("T")

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
    with _child(function, args, kwargs) as (process, answers):
        if not answers.poll(timeout_s):
            raise TimeoutError(f"no answer from the child process in {timeout_s} s")
        try:
            answer: T = answers.recv()
        except EOFError as error:
            process.join()
            raise ChildDied(process.exitcode) from error
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


@contextmanager
def _child(
    function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[BaseProcess, Connection]]:
    """The child and where its answer will come; it is gone when the block ends."""
    answers, answer = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_answer, args=(answer, os.getpid(), function, args, kwargs))
    process.start()
    answer.close()  # the child holds the other copy: its death closes the pipe
    try:
        yield process, answers
    finally:
        answers.close()
        process.kill()
        process.join()
        process.close()


def _answer(
    answer: Connection,
    parent_pid: int,
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    die_with_parent(parent_pid)
    gc.freeze()  # what the parent left is not torn down here: its threads did not come along
    answer.send(function(*args, **kwargs))
