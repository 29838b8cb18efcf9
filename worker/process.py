"""Child processes that may die, and that never outlive their parent."""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from worker.leash import die_with_parent

if TYPE_CHECKING:  # one of them does not exist everywhere
    from multiprocessing.context import ForkContext, SpawnContext

P = ParamSpec("P")
T = TypeVar("T")

_CONTEXT: Final["ForkContext | SpawnContext"] = (
    multiprocessing.get_context("fork")
    if sys.platform == "linux"
    else multiprocessing.get_context("spawn")
)


class ChildDied(Exception):
    """A child ended without an answer. `signal_name` is set where a signal ended it."""

    def __init__(self, exit_code: int | None) -> None:
        is_signal = exit_code is not None and exit_code < 0
        self.signal_name = signal.Signals(-exit_code).name if exit_code and is_signal else None
        super().__init__(f"the child process ended with {self.signal_name or exit_code}")


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
    with _child(function, args, kwargs) as (process, messages):
        if not messages.poll(timeout_s):
            raise TimeoutError(f"no answer from the child process in {timeout_s} s")
        try:
            answer: T = messages.recv()
        except EOFError as error:
            process.join()
            raise ChildDied(process.exitcode) from error
        return answer


@contextmanager
def _child(
    function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[BaseProcess, Connection]]:
    """The child and where its answer will come; it is gone when the block ends."""
    messages, message = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_answer, args=(message, os.getpid(), function, args, kwargs))
    process.start()
    message.close()  # the child holds the other copy: its death closes the pipe
    try:
        yield process, messages
    finally:
        messages.close()
        process.kill()
        process.join()
        process.close()


def _answer(
    messages: Connection,
    parent_pid: int,
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    die_with_parent(parent_pid)
    gc.freeze()  # what the parent left is not torn down here: its threads did not come along
    messages.send(function(*args, **kwargs))
