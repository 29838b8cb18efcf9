"""Children that answer, raise, crash, hang or lose their parent."""

import faulthandler
import mmap
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.process import (
    ChildDied,
    call_in_child,
    die_with_parent,
    follow_child,
    limit_address_space,
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


def take_memory() -> str:
    limit_address_space(1 << 24)
    try:
        mmap.mmap(-1, 1 << 26)
    except (MemoryError, OSError):
        return "refused"
    return "granted"


def count(tell: Callable[[int], None], last: int) -> str:
    for number in range(last):
        tell(number)
    return "done"


def tell_and_hang(tell: Callable[[str], None]) -> None:
    while True:
        tell("still here")


def test_what_a_child_tells_is_heard_in_order() -> None:
    heard: list[int] = []
    assert follow_child(10.0, heard.append, count, 5000) == "done"
    assert heard == list(range(5000))


def test_telling_does_not_put_off_the_time_out() -> None:
    heard: list[str] = []
    with pytest.raises(TimeoutError):
        follow_child(0.2, heard.append, tell_and_hang)
    assert set(heard) == {"still here"}


def test_a_listener_that_fails_ends_the_child() -> None:
    def fail(note: str) -> None:
        raise LookupError(note)

    with pytest.raises(LookupError, match="still here"):
        follow_child(10.0, fail, tell_and_hang)
    assert multiprocessing.active_children() == []


def test_the_answer_of_a_child_is_returned() -> None:
    assert call_in_child(10.0, double, 21) == 42


def test_a_crash_is_told_from_an_exit() -> None:
    with pytest.raises(ChildDied, match="SIGSEGV") as crashed:
        call_in_child(10.0, crash)
    with pytest.raises(ChildDied, match="3") as left:
        call_in_child(10.0, leave)

    assert crashed.value.is_crash
    assert not left.value.is_crash


def test_a_child_that_hangs_is_killed() -> None:
    with pytest.raises(TimeoutError):
        call_in_child(0.05, hang)

    assert multiprocessing.active_children() == []


def test_address_space_is_limited_in_the_child_alone() -> None:
    assert call_in_child(10.0, take_memory) == "refused"
    assert len(bytearray(1 << 26)) == 1 << 26


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
