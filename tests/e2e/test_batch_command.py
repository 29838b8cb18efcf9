"""`madv batch submit` through crashes: every clip gets one result, whatever dies meanwhile.

`MADV_BATCH_CLIPS=1000 python -m pytest tests/e2e/test_batch_command.py` is the full size.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import pandas as pd
import pytest

from service.client import MadvClient
from service.client.submission.ledger import read_note
from service.embedded.stack import EmbeddedStack, StackConfig
from worker.contract import JobState
from worker.demo.clip import demo_frames
from worker.video.encode import write_clip

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CLIPS = int(os.environ.get("MADV_BATCH_CLIPS", "60"))
WORKERS = 2
EVENT = slice(24, 40, 2)
FACE = (slice(0, 256), slice(96, 352))
SIZE = 96


@pytest.fixture
def busy_stack(tmp_path: Path) -> Iterator[EmbeddedStack]:
    """A stack whose workers may be killed."""
    config = StackConfig(
        tmp_path / "stack", workers=WORKERS, settings={"MADV_SWEEP_INTERVAL_S": "1"}
    )
    with EmbeddedStack(config) as running:
        yield running


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Small clips that decode alike and differ in their bytes: a last MP4 box counts them."""
    folder = tmp_path / "clips"
    folder.mkdir()
    frames = list(islice(demo_frames(), EVENT.stop))[EVENT]
    small = (
        cv2.resize(frame[FACE], (SIZE, SIZE), interpolation=cv2.INTER_AREA) for frame in frames
    )
    write_clip(tmp_path / "one.mp4", small, Fraction(30))
    content = (tmp_path / "one.mp4").read_bytes()
    for number in range(CLIPS):
        box = (12).to_bytes(4) + b"free" + number.to_bytes(4)
        (folder / f"{number:05}.mp4").write_bytes(content + box)
    return folder


def test_every_clip_has_one_result_though_workers_and_the_command_are_killed(
    busy_stack: EmbeddedStack, clips: Path, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    out = tmp_path / "results"

    def is_done(share: float) -> Callable[[], bool]:
        return lambda: _lines(out) >= CLIPS * share

    with _submit(clips, out, busy_stack) as first:
        eventually(is_done(0.2), timeout_s=CLIPS)
        os.kill(busy_stack.worker_pids[0], signal.SIGKILL)
        eventually(is_done(0.4), timeout_s=CLIPS)
        first.kill()
    assert _lines(out) < CLIPS
    with _submit(clips, out, busy_stack) as second:
        eventually(is_done(0.6), timeout_s=CLIPS)
        os.kill(busy_stack.worker_pids[1], signal.SIGKILL)
        said, _ = second.communicate(timeout=CLIPS * 2 + 60)
    assert second.returncode == 0, said
    print(said)  # noqa: T201  # the throughput
    _check_results(out)
    _check_service(busy_stack, out)


def _submit(clips: Path, out: Path, stack: EmbeddedStack) -> "subprocess.Popen[str]":
    madv = Path(sys.executable).with_name("madv")
    arguments = ["batch", "submit", str(clips), "--out", str(out), "--url", stack.gateway_url]
    return subprocess.Popen(
        [madv, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _lines(out: Path) -> int:
    results = out / "results.jsonl"
    return results.read_bytes().count(b"\n") if results.exists() else 0


def _check_results(out: Path) -> None:
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    expected = [f"{number:05}.mp4" for number in range(CLIPS)]
    assert sorted(line["client_ref"] for line in lines) == expected
    assert len({line["job_id"] for line in lines}) == CLIPS
    assert {line["status"] for line in lines} == {"succeeded"}
    table = pd.read_parquet(out / "results.parquet")
    assert sorted(table["client_ref"]) == expected
    assert table["sha256"].nunique() == CLIPS
    frames = pd.read_parquet(out / "frames.parquet", columns=["client_ref", "frame"])
    assert not frames.duplicated().any()
    assert frames["client_ref"].nunique() == CLIPS
    assert json.loads((out / "summary.json").read_text())["succeeded"] == CLIPS


def _check_service(stack: EmbeddedStack, out: Path) -> None:
    """What was uploaded before a crash was not uploaded again."""
    note = read_note(out)
    assert note is not None
    with MadvClient(stack.gateway_url) as client:
        assert client.batch(note.batch_id).counts.succeeded == CLIPS
        jobs = list(client.jobs())
    assert len(jobs) == CLIPS
    assert {job.status for job in jobs} == {JobState.SUCCEEDED}
