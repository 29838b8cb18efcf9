"""The examples of the documentation, run against a real stack in the order they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.embedded.stack import EmbeddedStack

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(python|shell)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def workplace(tmp_path: Path, demo_clip: Path) -> Path:
    """What the examples expect to find."""
    (tmp_path / "clips").mkdir()
    for name in ("clip.mp4", "clips/a.mp4", "clips/b.mp4"):
        shutil.copy(demo_clip, tmp_path / name)
    (tmp_path / "words.mp4").write_text("words, words, words", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", ["client.md", "batch.md"])
def test_examples_run(page: str, workplace: Path, stack: EmbeddedStack) -> None:
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    commands = {
        "python": [sys.executable, "-W", "error", "-"],
        "shell": ["bash", "-euo", "pipefail"],
    }
    environment = {
        **os.environ,
        "MADV_URL": stack.gateway_url,
        "MADV_API_KEY": "none-is-needed-here",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for language, text in blocks:
        ran = subprocess.run(
            commands[language],
            input=text,
            cwd=workplace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
