"""A stack that tells of itself: one clip, seen from outside."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack, StackConfig

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
FILE_NAME = "subject-17-spontaneous.mp4"
TAG = "subject-17"

Eventually = Callable[..., None]
Span = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("telemetry")


@pytest.fixture(scope="module")
def traced(folder: Path) -> Iterator[EmbeddedStack]:
    settings = {
        "MADV_TRACES": (folder / "traces.jsonl").as_uri(),
        "MADV_LOG_FORMAT": "json",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with EmbeddedStack(StackConfig(folder, settings=settings)) as running:
        yield running


@pytest.fixture(scope="module")
def job_id(traced: EmbeddedStack, short_clip: Path, eventually: Eventually) -> str:
    """A job that has succeeded, and one clip without a face beside it."""
    with httpx.Client(base_url=traced.gateway_url, timeout=30.0) as http:
        sent = http.post(
            "/v1/recognize",
            files={"file": (FILE_NAME, short_clip.read_bytes())},
            data={"options": json.dumps({"tags": [TAG]})},
            headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"},
        )
        job_id = str(sent.raise_for_status().json()["id"])
        http.post("/v1/recognize", files={"file": b"RIFF....AVI and nothing more"})
        http.get("/v1/jobs", params={"tag": TAG}).raise_for_status()
    with MadvClient(traced.gateway_url) as client:
        eventually(lambda: client.job(job_id).status == "succeeded", timeout_s=90.0)
    return job_id


def lines(path: Path) -> list[Span]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def spans(job_id: str, folder: Path, eventually: Eventually) -> list[Span]:
    """Those of the clip's trace, once the worker's have come."""
    assert job_id

    def found() -> list[Span]:
        read = lines(folder / "traces.jsonl")
        return [span for span in read if span["context"]["trace_id"] == f"0x{TRACE_ID}"]

    eventually(lambda: {"analyse", "POST /v1/recognize"} <= {span["name"] for span in found()})
    return found()


def test_one_trace_leads_from_the_upload_to_the_result(spans: list[Span]) -> None:
    by_id = {span["context"]["span_id"]: span for span in spans}

    def way(span: Span) -> list[str]:
        above = by_id.get(span["parent_id"])
        return [*(way(above) if above else []), span["name"]]

    ways = {"/".join(way(span)) for span in spans}
    request = "POST /v1/recognize"
    assert {
        request,
        f"{request}/upload",
        f"{request}/submit",
        f"{request}/submit/queue",
        f"{request}/submit/analyse/fetch",
        f"{request}/submit/analyse/decode",
        f"{request}/submit/analyse/face/triton",
        f"{request}/submit/analyse/au/triton",
        f"{request}/submit/analyse/recognize/triton",
        f"{request}/submit/analyse/result",
    } <= ways


def test_the_callers_own_trace_goes_on(spans: list[Span]) -> None:
    (request,) = (span for span in spans if span["name"] == "POST /v1/recognize")
    assert request["parent_id"] == f"0x{PARENT_ID}"


def test_steps_follow_each_other(spans: list[Span]) -> None:
    # Some come again with the next part of the clip, or to find that there is none.
    latest_first = sorted(spans, key=lambda span: span["start_time"], reverse=True)
    start = {span["name"]: span["start_time"] for span in latest_first}
    steps = ("upload", "queue", "decode", "face", "recognize", "result")
    assert [start[step] for step in steps] == sorted(start[step] for step in steps)


def test_spans_name_their_service_and_job(spans: list[Span], job_id: str) -> None:
    services = {span["name"]: span["resource"]["attributes"]["service.name"] for span in spans}
    assert (services["upload"], services["decode"]) == ("madv-gateway", "madv-worker")
    (analyse,) = (span for span in spans if span["name"] == "analyse")
    assert analyse["attributes"] == {
        "madv.job_id": job_id,
        "madv.outcome": "succeeded",
        "madv.code": "",
    }


def test_nothing_of_the_caller_is_told(spans: list[Span], folder: Path) -> None:
    assert spans
    told = [folder / "traces.jsonl", *(folder / "logs").glob("*.log")]
    for path in told:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert FILE_NAME not in text
        assert TAG not in text


def test_log_lines_are_json_and_name_job_and_trace(spans: list[Span], folder: Path) -> None:
    assert spans
    worker = [line for line in read_log(folder / "logs" / "worker-0.log") if "job_id" in line]
    assert worker
    assert all(re.fullmatch(r"job_[0-9a-f]{32}|[0-9a-f-]{36}", line["job_id"]) for line in worker)
    assert any(line.get("trace_id") == TRACE_ID for line in worker)
    assert {line["level"] for line in read_log(folder / "logs" / "gateway.log")} == {"info"}


def read_log(path: Path) -> list[Span]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_metrics(gateway_url: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    text = httpx.get(f"{gateway_url}/metrics").raise_for_status().text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_of_gateway_queue_and_workers(
    traced: EmbeddedStack, job_id: str, eventually: Eventually
) -> None:
    assert job_id
    failed = ("madv_worker_attempts_total", "damaged-video", "failed")
    # The other clip comes second, and a job is counted after it has ended.
    eventually(lambda: failed in read_metrics(traced.gateway_url))
    samples = read_metrics(traced.gateway_url)
    assert samples["madv_http_request_seconds_count", "POST", "/v1/recognize", "202", "no"] == 2
    assert samples["madv_http_request_seconds_count", "GET", "/v1/jobs/{job_id}", "200", "no"] >= 1
    assert samples["madv_uploads_total",] == 2
    assert samples["madv_workers",] == 1
    assert samples["madv_queue_depth",] == 0
    assert samples["madv_worker_attempts_total", "", "succeeded"] == 1
    assert samples[failed] == 1
    assert samples["madv_worker_stage_seconds_count", "face"] == 1
    assert samples["madv_worker_stage_seconds_bucket", "+Inf", "decode"] == 2
    assert samples["madv_worker_frames_total",] > 10
    assert samples["madv_worker_batch_size_count", "recognize"] == 1
    assert samples["madv_jobs_ended_total", "", "succeeded"] == 1
