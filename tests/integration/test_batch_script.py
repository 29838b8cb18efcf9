"""`docker/batch.sh`: an inbox of folders becomes a folder of results."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.embedded.ports import free_ports
from service.embedded.stack import EmbeddedStack

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).parents[2] / "docker/batch.sh"


def _run(url: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**os.environ, "PATH": path, "MADV_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture
def inbox(tmp_path: Path, short_clip: Path) -> Path:
    for name in ("monday", "tuesday"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
        shutil.copy(short_clip, tmp_path / "inbox" / name / "clip.mp4")
    return tmp_path / "inbox"


def test_each_folder_of_the_inbox_gets_its_results(
    stack: EmbeddedStack, inbox: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    first = _run(stack.gateway_url, inbox, results)
    assert first.returncode == 0, first.stderr
    for name in ("monday", "tuesday"):
        lines = (results / name / "results.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["status"] for line in lines] == ["succeeded"]
    again = _run(stack.gateway_url, inbox, results)
    assert again.returncode == 0
    assert again.stdout == ""


def test_a_service_that_cannot_be_reached_leaves_the_folder_to_do(
    inbox: Path, tmp_path: Path
) -> None:
    (closed_port,) = free_ports(1)
    done = _run(f"http://127.0.0.1:{closed_port}", inbox, tmp_path / "results")
    assert done.returncode == 3
    assert not list((tmp_path / "results").glob("*.done"))


def test_an_inbox_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    assert _run("http://127.0.0.1", tmp_path / "none", tmp_path / "results").returncode == 2
