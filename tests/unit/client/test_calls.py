"""Single calls: what is repeated, waited for and passed over."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.responses import JSONResponse, Response

from service.client import JobFailed, MadvClient, Refused, Retries, Unreachable, WaitTimeout
from service.embedded.ports import free_ports
from service.schemas import BatchStatus, RecognizeOptions
from worker.contract import JobState

if TYPE_CHECKING:
    from tests.unit.client.conftest import Script

UPLOAD = "POST /v1/recognize"
JOB = "GET /v1/jobs/job_1"


def test_a_repeated_upload_carries_the_same_key_and_waits_as_long_as_asked(
    script: Script, client: MadvClient, clip: Path
) -> None:
    busy = script.problem(429, "queue-full", **{"Retry-After": "1"})
    script.tell(
        UPLOAD, busy, script.problem(503, "unavailable"), JSONResponse(script.job("queued"), 202)
    )
    start_s = time.monotonic()
    assert client.submit(clip).status is JobState.QUEUED
    assert time.monotonic() - start_s >= 1.0
    keys = {asked.headers["idempotency-key"] for asked in script.asked[UPLOAD]}
    assert len(keys) == 1
    assert all(b"frames" in asked.body for asked in script.asked[UPLOAD])


def test_every_upload_has_its_own_key_unless_told(
    script: Script, client: MadvClient, clip: Path
) -> None:
    script.tell(UPLOAD, *(JSONResponse(script.job("queued"), 202) for _ in range(3)))
    client.submit(clip)
    client.submit(clip, RecognizeOptions(tags=["a"]))
    client.submit(clip, idempotency_key="mine")
    first, second, third = (asked.headers["idempotency-key"] for asked in script.asked[UPLOAD])
    assert first != second
    assert third == "mine"
    assert b'{"tags":["a"]}' in script.asked[UPLOAD][1].body


def test_a_pause_longer_than_the_patience_is_refused_at_once(
    script: Script, client: MadvClient, clip: Path
) -> None:
    script.tell(UPLOAD, script.problem(429, "rate-limited", **{"Retry-After": "60"}))
    with pytest.raises(Refused) as refused:
        client.submit(clip)
    assert (refused.value.code, refused.value.retry_after_s) == ("rate-limited", 60.0)


def test_what_may_not_happen_twice_is_not_repeated(script: Script, client: MadvClient) -> None:
    address = "POST /v1/jobs/job_1/deliveries/d/redeliver"
    script.tell(address, script.broken(media_type="application/json"))
    with pytest.raises(Unreachable):
        client.redeliver("job_1", "d")
    assert len(script.asked[address]) == 1


def test_a_service_that_is_not_there_is_unreachable(quick: Retries) -> None:
    (port,) = free_ports(1)
    with (
        MadvClient(f"http://127.0.0.1:{port}", retries=quick) as client,
        pytest.raises(Unreachable, match="ConnectError"),
    ):
        client.limits()


def test_a_proxy_whose_service_restarts_is_asked_again(script: Script, client: MadvClient) -> None:
    script.tell(JOB, Response("<html>", 502), JSONResponse(script.job("queued")))
    assert client.job("job_1").status is JobState.QUEUED


def test_not_ready_is_an_answer_not_a_reason_to_wait(script: Script, client: MadvClient) -> None:
    script.tell("GET /v1/health/ready", script.problem(503, "not-ready"))
    with pytest.raises(Refused, match="not-ready"):
        client.ready()


def test_answers_of_other_servers_make_no_sense(script: Script, client: MadvClient) -> None:
    script.tell(JOB, Response("<html>", 404), JSONResponse({"id": 1}))
    with pytest.raises(Unreachable, match="is it this service"):
        client.job("job_1")
    with pytest.raises(Unreachable, match="no Job"):
        client.job("job_1")


def test_fields_of_a_newer_service_are_passed_over(script: Script, client: MadvClient) -> None:
    error = {"code": "no-face", "detail": "", "retryable": False, "hint": "look up"}
    script.tell(JOB, JSONResponse(script.job("failed", error=error, shiny=1, options={"new": 1})))
    assert client.job("job_1").status is JobState.FAILED


def test_an_id_is_one_segment_of_the_address(script: Script, client: MadvClient) -> None:
    with pytest.raises(Unreachable):
        client.job("../limits")
    assert list(script.asked) == ["GET /v1/jobs/../limits"]


def test_waiting_asks_for_the_end_and_with_a_listener_for_every_change(
    script: Script, client: MadvClient
) -> None:
    etag = {"ETag": '"1"'}
    script.tell(JOB, JSONResponse(script.job("queued"), headers=etag), Response(status_code=304))
    script.tell(JOB, JSONResponse(script.job("processing")), JSONResponse(script.job("succeeded")))
    seen: list[str] = []
    client.wait("job_1", on_update=lambda found: seen.append(found.status))
    assert seen == ["queued", "processing", "succeeded"]
    first, second, *_ = script.asked[JOB]
    assert "wait" not in first.query
    assert (second.headers["if-none-match"], int(second.query["wait"])) == ('"1"', 25)
    script.tell(JOB, JSONResponse(script.job("succeeded"), headers=etag))
    client.wait("job_1")
    assert "wait" in script.asked[JOB][-1].query


def test_waiting_ends_with_the_callers_patience(script: Script, client: MadvClient) -> None:
    script.tell(JOB, *(JSONResponse(script.job("queued")) for _ in range(9)))
    start_s = time.monotonic()
    with pytest.raises(WaitTimeout) as late:
        client.wait("job_1", timeout_s=0.3)
    assert time.monotonic() - start_s < 2.0
    assert late.value.job is not None


def test_waiting_for_a_job_that_fails_raises_its_failure(
    script: Script, client: MadvClient
) -> None:
    error = {"code": "no-face", "detail": "none", "retryable": False}
    script.tell(JOB, JSONResponse(script.job("failed", error=error)))
    with pytest.raises(JobFailed) as failed:
        client.wait("job_1")
    assert failed.value.code == "no-face"


def test_the_key_comes_from_the_environment_and_is_never_shown(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADV_API_KEY", "madv_secret")
    monkeypatch.setenv("MADV_URL", script.url)
    script.tell("GET /v1/batches/batch_1", script.batch("open"))
    with MadvClient() as client:
        assert client.batch("batch_1").status is BatchStatus.OPEN
        assert "secret" not in repr(client) + repr(vars(client))
    asked = script.asked["GET /v1/batches/batch_1"][0]
    assert asked.headers["authorization"] == "Bearer madv_secret"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "clé"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="characters") as refused:
        MadvClient(api_key=key)
    assert key not in str(refused.value)
