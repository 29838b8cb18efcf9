"""`madv batch` on a real stack: outcomes, interruption, and what the folder holds afterwards."""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.embedded.ports import free_ports
from service.embedded.stack import EmbeddedStack

pytestmark = pytest.mark.integration


@pytest.fixture
def clips(tmp_path: Path, demo_clip: Path) -> Path:
    """Two clips that differ in their bytes, and from all that were sent before."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(2):
        box = (24).to_bytes(4) + b"free" + secrets.token_bytes(16)
        (folder / f"{number}.mp4").write_bytes(demo_clip.read_bytes() + box)
    return folder


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., Result]:
    """Runs `madv batch submit` into one folder."""

    def run(source: Path, url: str, *more: str) -> Result:
        out = str(tmp_path / "out")
        return CliRunner().invoke(
            app, ["batch", "submit", str(source), "--out", out, "--url", url, *more]
        )

    return run


def test_all_succeed_and_running_it_again_changes_nothing(
    batch: Callable[..., Result], stack: EmbeddedStack, clips: Path, tmp_path: Path
) -> None:
    ran = batch(clips, stack.gateway_url, "--tag", "night")
    assert ran.exit_code == 0, ran.output
    table = pd.read_parquet(tmp_path / "out" / "results.parquet")
    assert sorted(table["client_ref"]) == ["0.mp4", "1.mp4"]
    assert table["label"].tolist() == ["happiness", "happiness"]
    frames = pd.read_parquet(tmp_path / "out" / "frames.parquet")
    assert frames.groupby("client_ref").size().tolist() == [84, 84]
    before = (tmp_path / "out" / "results.jsonl").read_bytes()
    assert batch(clips, stack.gateway_url, "--tag", "night").exit_code == 0
    assert (tmp_path / "out" / "results.jsonl").read_bytes() == before
    asked = CliRunner().invoke(app, ["batch", "status", str(tmp_path / "out")])
    assert "complete" in asked.output


def test_refused_clips_are_lines_and_the_exit_code_says_so(
    batch: Callable[..., Result], stack: EmbeddedStack, clips: Path, tmp_path: Path
) -> None:
    (clips / "0.mp4").write_text("words, words, words")
    ran = batch(clips, stack.gateway_url)
    assert ran.exit_code == 1, ran.output
    assert "not-a-video" in ran.output
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    statuses = {line["client_ref"]: line["status"] for line in map(json.loads, lines)}
    assert statuses == {"0.mp4": "rejected", "1.mp4": "succeeded"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["codes"] == {
        "not-a-video": 1
    }


def test_an_interrupted_run_goes_on_where_it_was(
    batch: Callable[..., Result],
    stack: EmbeddedStack,
    clips: Path,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    out = tmp_path / "out"
    madv = Path(sys.executable).with_name("madv")
    command = [madv, "batch", "submit", clips, "--out", out, "--url", stack.gateway_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        eventually((out / "batch.json").exists)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "goes on from here" in said
    batch_id = json.loads((out / "batch.json").read_text())["batch_id"]
    assert batch(clips, stack.gateway_url).exit_code == 0
    assert json.loads((out / "summary.json").read_text())["batch_id"] == batch_id


def test_a_forgotten_batch_says_how_to_start_afresh(
    batch: Callable[..., Result], stack: EmbeddedStack, clips: Path, tmp_path: Path
) -> None:
    assert batch(clips, stack.gateway_url).exit_code == 0
    note = tmp_path / "out" / "batch.json"
    note.write_text(note.read_text().replace('"batch_id": "', '"batch_id": "other_', 1))
    (tmp_path / "out" / "results.jsonl").write_text("")
    ran = batch(clips, stack.gateway_url)
    assert ran.exit_code == 1
    assert "another --out" in " ".join(ran.output.split())


def test_nobody_there_is_told_from_a_failure(batch: Callable[..., Result], clips: Path) -> None:
    (port,) = free_ports(1)
    assert batch(clips, f"http://127.0.0.1:{port}").exit_code == 3


def test_one_clip_in_every_form(stack: EmbeddedStack, demo_clip: Path, tmp_path: Path) -> None:
    names = {"--json": "a.json", "--csv": "a.csv", "--parquet": "a.parquet", "--plot": "a.png"}
    forms = [part for option, name in names.items() for part in (option, str(tmp_path / name))]
    arguments = ["recognize", str(demo_clip), "--url", stack.gateway_url, "--ref", "mine"]
    ran = CliRunner().invoke(app, [*arguments, "--tag", "x", *forms])
    assert ran.exit_code == 0, ran.output
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(pd.read_parquet(tmp_path / "a.parquet"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
