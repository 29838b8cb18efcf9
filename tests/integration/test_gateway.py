import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from worker.contract import clip_key

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(1000)


def submit(http: httpx.Client, options: object = None, content: bytes = CLIP) -> httpx.Response:
    data = {} if options is None else {"options": json.dumps(options)}
    return http.post("/v1/recognize", files={"file": content}, data=data)


def test_waiting_jobs_know_their_place_and_have_no_result_yet(lone_gateway: httpx.Client) -> None:
    jobs = [submit(lone_gateway).json() for _ in range(3)]
    assert [job["progress"]["queue_position"] for job in jobs] == [1, 2, 3]
    assert {job["status"] for job in jobs} == {"queued"}
    asked = lone_gateway.get(jobs[0]["links"]["self"])
    assert asked.json() == jobs[0]
    early = lone_gateway.get(jobs[0]["links"]["result"])
    assert (early.status_code, early.json()["code"]) == (409, "result-not-ready")
    assert early.json()["retryable"]
    assert early.headers["retry-after"].isdecimal()


def test_the_clip_is_stored_byte_for_byte(lone_gateway: httpx.Client, wiring: Wiring) -> None:
    job = submit(lone_gateway).json()
    assert (wiring.data_dir / "blobs" / clip_key(job["id"])).read_bytes() == CLIP


def test_an_expired_job_is_known_but_its_result_and_files_are_gone(
    lone_gateway: httpx.Client, wiring: Wiring, eventually: Callable[..., None]
) -> None:
    job = submit(lone_gateway, {"ttl_s": 1, "store_input": True}).json()
    assert lone_gateway.post(job["links"]["cancel"]).json()["status"] == "canceled"

    eventually(lambda: lone_gateway.get(job["links"]["self"]).json()["status"] == "expired")

    gone = lone_gateway.get(job["links"]["result"])
    assert (gone.status_code, gone.json()["code"]) == (410, "expired")
    eventually(lambda: _blobs(wiring) == [])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"colour": "red"}, "options.colour"),
        ({"recognizer": "astrology"}, "options.recognizer"),
        ({"ttl_s": 0}, "options.ttl_s"),
        ({"deadline_s": 10**9}, "options.deadline_s"),
        ({"fps": 25}, "options.fps"),
        ({"ttl_s": 10**9}, "options.ttl_s"),
        ({"tags": ["x" * 65]}, "options.tags.0"),
        (["not", "an", "object"], "options"),
    ],
)
def test_options_are_checked(lone_gateway: httpx.Client, options: object, field: str) -> None:
    answer = submit(lone_gateway, options)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid-request")
    assert field in problem["detail"]


def test_what_is_not_there_is_said(lone_gateway: httpx.Client) -> None:
    unknown = lone_gateway.get("/v1/jobs/job_0")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "job-not-found")
    no_file = lone_gateway.post("/v1/recognize", data={"options": "{}"})
    assert (no_file.status_code, no_file.json()["code"]) == (422, "invalid-request")
    broken = lone_gateway.post(
        "/v1/recognize",
        content=b"no boundary in here",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed-request")


def test_refused_uploads_leave_nothing_behind(lone_gateway: httpx.Client, wiring: Wiring) -> None:
    assert submit(lone_gateway, content=b"").status_code == 400
    assert submit(lone_gateway, content=b"words, words, words").status_code == 415
    assert submit(lone_gateway, {"colour": "red"}).status_code == 422
    assert _blobs(wiring) == []


def test_without_a_worker_the_service_lives_but_is_not_ready(lone_gateway: httpx.Client) -> None:
    assert lone_gateway.get("/v1/health/live").json() == {"status": "alive"}
    answer = lone_gateway.get("/v1/health/ready")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "not-ready")
    failing = {name for name, check in problem["checks"].items() if not check["ok"]}
    assert failing == {"worker", "inference"}


def test_without_redis_calls_fail_as_unavailable_and_leave_nothing(
    lone_gateway: httpx.Client,
    redis_server: Child,
    wiring: Wiring,
    eventually: Callable[..., None],
) -> None:
    redis_server.stop()
    answer = submit(lone_gateway)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["retryable"]
    assert lone_gateway.get("/v1/health/live").is_success
    checks = lone_gateway.get("/v1/health/ready").json()["checks"]
    assert not checks["redis"]["ok"]
    assert checks["blobs"]["ok"]
    eventually(lambda: _blobs(wiring) == [])


def test_the_interface_describes_itself(lone_gateway: httpx.Client) -> None:
    paths = lone_gateway.get("/openapi.json").json()["paths"]
    assert {
        "/v1/recognize",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/result",
        "/v1/health/live",
        "/v1/health/ready",
    } <= set(paths)


def _blobs(wiring: Wiring) -> list[Path]:
    return [path for path in (wiring.data_dir / "blobs").rglob("*") if path.is_file()]
