"""Streams that break and are resumed, lists that come in pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from starlette.responses import JSONResponse, Response

from service.client import AsyncMadvClient, JobEvent, MadvClient, Retries
from service.schemas import JobProgress, StatusEvent
from worker.contract import JobState

pytestmark = pytest.mark.anyio

if TYPE_CHECKING:
    from tests.unit.client.conftest import Script

JOB = "GET /v1/jobs/job_1"
EVENTS = "GET /v1/jobs/job_1/events"
RESULTS = "GET /v1/batches/batch_1/results"


def test_a_broken_event_stream_is_resumed_after_its_last_event(
    script: Script, client: MadvClient
) -> None:
    kind = "text/event-stream"
    rest = script.event(3, "status", {"id": "job_1", "status": "succeeded"})
    script.tell(
        EVENTS,
        script.broken(
            script.event(1, "status", {"id": "job_1", "status": "queued"}),
            script.event(2, "progress", {"stage": "decode"}),
            media_type=kind,
        ),
        Response(script.event(9, "novelty", {}) + rest, media_type=kind),
    )
    assert list(client.events("job_1")) == [
        JobEvent("1", StatusEvent(id="job_1", status=JobState.QUEUED)),
        JobEvent("2", JobProgress(stage="decode")),
        JobEvent("3", StatusEvent(id="job_1", status=JobState.SUCCEEDED)),
    ]
    assert script.asked[EVENTS][1].headers["last-event-id"] == "2"


def test_resuming_after_the_last_event_ends(script: Script, client: MadvClient) -> None:
    script.tell(EVENTS, *(Response(media_type="text/event-stream") for _ in range(2)))
    script.tell(JOB, *(JSONResponse(script.job("succeeded")) for _ in range(2)))
    assert list(client.events("job_1", after="3")) == []


async def test_batch_results_are_followed_over_breaks_to_the_end(
    script: Script, quick: Retries
) -> None:
    kind = "application/x-ndjson"
    script.tell(
        RESULTS,
        script.broken(script.line(1), script.line(2), script.line(3)[:-9], media_type=kind),
        Response(script.line(3), media_type=kind),
        Response(b"", media_type=kind),
    )
    script.tell("GET /v1/batches/batch_1", script.batch("open"), script.batch("complete"))
    script.tell(RESULTS, Response(script.line(4), media_type=kind), Response(b"", media_type=kind))
    script.tell("GET /v1/batches/batch_1", script.batch("complete"))
    async with AsyncMadvClient(script.url, retries=quick) as client:
        found = [result.cursor async for result in client.batch_results("batch_1")]
    assert found == ["1", "2", "3", "4"]
    cursors = [asked.query.get("cursor") for asked in script.asked[RESULTS]]
    assert cursors == [None, "2", "3", "3", "4"]


async def test_results_there_are_now_need_no_waiting(script: Script, quick: Retries) -> None:
    script.tell(RESULTS, Response(script.line(1) + script.line(2)), Response(b""))
    async with AsyncMadvClient(script.url, retries=quick) as client:
        found = [result async for result in client.batch_results("batch_1", follow=False)]
    assert [result.client_ref for result in found] == ["clip\u20281", "clip\u20282"]
    assert all("wait" not in asked.query for asked in script.asked[RESULTS])


def test_all_pages_are_listed(script: Script, client: MadvClient) -> None:
    pages = [
        {"data": [script.job("queued")], "next_cursor": "more"},
        {"data": [script.job("failed")], "next_cursor": None},
    ]
    script.tell("GET /v1/jobs", *map(JSONResponse, pages))
    since = datetime(2026, 1, 1, tzinfo=UTC)
    found = client.jobs(status=JobState.QUEUED, tag="t", created_after=since)
    assert [entry.status for entry in found] == [JobState.QUEUED, JobState.FAILED]
    first, second = script.asked["GET /v1/jobs"]
    assert first.query["created_after"] == since.isoformat()
    assert (first.query["status"], first.query["tag"]) == ("queued", "t")
    assert second.query == {**first.query, "cursor": "more"}
