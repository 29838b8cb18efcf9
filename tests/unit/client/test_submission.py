"""Submitting many clips: what holds uploads back, what rejects a clip, what ends the run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.responses import JSONResponse, Response

from service.client import AsyncMadvClient, Refused, Retries
from service.client.submission.ledger import Ledger, LedgerError, Line
from service.client.submission.manifest import Entry
from service.client.submission.run import BatchForgotten, Submission, Tally
from service.schemas import RecognizeOptions

if TYPE_CHECKING:
    from tests.unit.client.conftest import Script

pytestmark = pytest.mark.anyio

UPLOAD = "POST /v1/recognize"
RESULTS = "GET /v1/batches/batch_1/results"
DEFAULTS = RecognizeOptions(tags=["night"])


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Two clips, named as `Script.line` names the items of its results."""
    found = []
    for number in (1, 2):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(bytes([number]))
        client_ref = f"clip\u2028{number}"
        found.append(Entry(path, client_ref, RecognizeOptions(client_ref=client_ref)))
    return found


@pytest.fixture
def batch(script: Script) -> Script:
    """A service with an open batch that nothing was uploaded to."""
    nothing = {"data": [], "next_cursor": None}
    script.tell("POST /v1/batches", script.batch("open"))
    script.tell("GET /v1/batches/batch_1/items", *(JSONResponse(nothing) for _ in range(2)))
    return script


def nothing_ends(batch: Script) -> None:
    """No job has a result yet."""
    batch.tell(RESULTS, *(Response(b"") for _ in range(3)))
    batch.tell("GET /v1/batches/batch_1", *(batch.batch("open") for _ in range(3)))


async def run(script: Script, entries: list[Entry], out: Path) -> list[Line]:
    retries = Retries(statuses=frozenset())
    with Ledger.locked(out) as ledger:
        async with AsyncMadvClient(script.url, retries=retries) as client:
            await Submission(client, ledger, entries, concurrency=1).run(DEFAULTS)
        return list(ledger.lines())


async def test_uploads_are_held_back_as_long_as_asked(
    batch: Script, entries: list[Entry], tmp_path: Path
) -> None:
    busy = batch.problem(429, "too-many-jobs", **{"Retry-After": "1"})
    taken = [JSONResponse(batch.job("queued"), 202) for _ in entries]
    batch.tell(UPLOAD, busy, *taken)
    batch.tell(RESULTS, Response(batch.line(1) + batch.line(2)), Response(b""))
    batch.tell("GET /v1/batches/batch_1", batch.batch("complete"))
    start_s = time.monotonic()
    lines = await run(batch, entries, tmp_path / "out")
    assert time.monotonic() - start_s >= 1.0
    assert [line.status for line in lines] == ["canceled", "canceled"]
    assert b'"tags":["night"]' in batch.asked["POST /v1/batches"][0].body
    assert all(b'"batch_id":"batch_1"' in asked.body for asked in batch.asked[UPLOAD])


async def test_clips_that_are_refused_or_cannot_be_read_become_lines(
    batch: Script, entries: list[Entry], tmp_path: Path
) -> None:
    entries[0].path.unlink()
    batch.tell(UPLOAD, batch.problem(415, "not-a-video"))
    nothing_ends(batch)
    lines = await run(batch, entries, tmp_path / "out")
    assert [(line.status, line.code) for line in lines] == [
        ("rejected", "unreadable"),
        ("rejected", "not-a-video"),
    ]


async def test_a_refusal_of_the_caller_ends_the_run(
    batch: Script, entries: list[Entry], tmp_path: Path
) -> None:
    batch.tell(UPLOAD, batch.problem(403, "forbidden"))
    nothing_ends(batch)
    with pytest.raises(Refused, match="forbidden"):
        await run(batch, entries, tmp_path / "out")


async def test_a_run_resumes_its_batch_and_says_when_it_is_gone(
    batch: Script, entries: list[Entry], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    batch.tell(UPLOAD, batch.problem(403, "forbidden"))
    nothing_ends(batch)
    with pytest.raises(Refused):
        await run(batch, entries, out)
    batch.answers["GET /v1/batches/batch_1/items"] = [batch.problem(404, "batch-not-found")]
    with pytest.raises(BatchForgotten, match="batch_1"):
        await run(batch, entries, out)
    assert len(batch.asked["POST /v1/batches"]) == 1


async def test_other_clips_do_not_go_into_the_same_folder(
    batch: Script, entries: list[Entry], tmp_path: Path
) -> None:
    batch.tell(UPLOAD, batch.problem(403, "forbidden"))
    nothing_ends(batch)
    with pytest.raises(Refused):
        await run(batch, entries, tmp_path / "out")
    with pytest.raises(LedgerError, match="other clips"):
        await run(batch, entries[:1], tmp_path / "out")


def test_throughput_and_time_left_are_of_this_run() -> None:
    tally = Tally(total=100, done=30, succeeded=25, done_before=20)
    tally.started_at -= 10.0
    assert tally.failed == 5
    assert tally.clips_per_s == pytest.approx(1.0, rel=0.01)
    assert tally.eta_s == pytest.approx(70.0, rel=0.01)
