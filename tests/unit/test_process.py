"""Children that answer, raise, crash, hang or lose their parent."""

import faulthandler
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.leash import die_with_parent
from worker.process import (
    ChildDied,
    call_in_child,
)
from worker.scratch import scratch_file

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def double(number: int) -> int:
    return 2 * number


def crash() -> None:
    faulthandler.disable()  # the crash is meant
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    os._exit(3)


def hang() -> None:
    threading.Event().wait()


def test_the_answer_of_a_child_is_returned() -> None:
    assert call_in_child(10.0, double, 21) == 42


def test_a_crash_is_told_from_an_exit() -> None:
    with pytest.raises(ChildDied, match="SIGSEGV") as crashed:
        call_in_child(10.0, crash)
    with pytest.raises(ChildDied, match="3") as left:
        call_in_child(10.0, leave)

    assert crashed.value.signal_name == "SIGSEGV"
    assert left.value.signal_name is None


def test_a_child_that_hangs_is_killed() -> None:
    with pytest.raises(TimeoutError):
        call_in_child(0.05, hang)

    assert multiprocessing.active_children() == []


def test_a_child_dies_with_its_parent(eventually: Callable[..., None]) -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        middle = os.getpid()
        if os.fork() == 0:
            die_with_parent(middle)
            os.write(writer, b"%d" % os.getpid())
        hang()
    child = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)

    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    eventually(lambda: _is_gone(child))


def _is_gone(process: int) -> bool:
    """Whether it has ended; where nobody collects orphans, as a zombie."""
    status = Path(f"/proc/{process}/status")
    try:
        return "State:\tZ" in status.read_text()
    except FileNotFoundError:
        return True


def test_a_scratch_file_is_shared_with_children_and_then_gone() -> None:
    with scratch_file() as path:
        call_in_child(10.0, path.write_bytes, b"from the child")
        assert path.read_bytes() == b"from the child"

    assert not path.exists()
