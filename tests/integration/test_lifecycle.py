import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.embedded.ports import free_ports
from service.embedded.processes import StackError
from service.embedded.stack import EmbeddedStack, StackConfig
from service.embedded.triton import shm_prefix

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@contextmanager
def madv_up(
    data_dir: Path, backend: str, eventually: Callable[..., None]
) -> Iterator[subprocess.Popen[str]]:
    """`madv up` once it is ready."""
    (port,) = free_ports(1)
    arguments = ["up", "--data", str(data_dir), "--port", str(port), "--backend", backend]
    process = subprocess.Popen(
        [sys.executable, "-c", "from service.cli import main; main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def is_ready() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/v1/health/ready").is_success
        except httpx.TransportError:
            return False

    try:
        with process:
            eventually(is_ready, timeout_s=120.0, pause_s=0.2)
            yield process
    finally:
        process.kill()


def test_sigterm_ends_every_child_and_leaves_no_shared_memory(
    tmp_path: Path,
    eventually: Callable[..., None],
    descendants: Callable[[int], list[int]],
    is_gone: Callable[[int], bool],
) -> None:
    with madv_up(tmp_path, "auto", eventually) as process:
        children = descendants(process.pid)
        assert len(children) >= 3
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert all(is_gone(pid) for pid in children)
    shared_memory = Path("/dev/shm")  # noqa: S108  # where POSIX shared memory is
    assert list(shared_memory.glob(f"{shm_prefix(tmp_path)}*")) == []


def test_the_death_of_redis_ends_the_stack_and_is_named(
    tmp_path: Path,
    eventually: Callable[..., None],
    descendants: Callable[[int], list[int]],
    is_gone: Callable[[int], bool],
) -> None:
    with madv_up(tmp_path, "inprocess", eventually) as process:
        children = descendants(process.pid)
        (redis,) = [pid for pid in children if _runs(pid, "redis-server")]
        os.kill(redis, signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(r"redis ended with code -9", said)
    assert "Traceback" not in said
    assert all(is_gone(pid) for pid in children)


def test_no_child_outlives_a_killed_supervisor(
    tmp_path: Path,
    eventually: Callable[..., None],
    descendants: Callable[[int], list[int]],
    is_gone: Callable[[int], bool],
) -> None:
    with madv_up(tmp_path, "inprocess", eventually) as process:
        children = descendants(process.pid)
        process.kill()
        eventually(lambda: all(is_gone(pid) for pid in children))


def test_a_second_stack_on_the_same_folder_is_refused(stack: EmbeddedStack) -> None:
    config = StackConfig(stack.config.data_dir, backend="inprocess")
    with pytest.raises(StackError, match="another stack"), EmbeddedStack(config):
        pass
    assert httpx.get(f"{stack.gateway_url}/v1/health/live").is_success


def test_models_that_do_not_load_are_named(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / "face").mkdir(parents=True)
    (repo / "face" / "config.pbtxt").write_text('name: "face"', encoding="utf-8")
    config = StackConfig(tmp_path / "data", backend="inprocess", model_repo=repo)
    with pytest.raises(StackError, match="models are not usable"), EmbeddedStack(config):
        pass


def _runs(pid: int, program: str) -> bool:
    return program in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
