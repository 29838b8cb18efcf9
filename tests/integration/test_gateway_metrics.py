"""What a gateway shows at /metrics, and to whom."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.embedded.processes import Child, Command
from service.embedded.wiring import Wiring

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(1000)
TOKEN = "a-token-of-the-scraper"  # noqa: S105  # of this test

NewKey = Callable[..., str]


def scrape(http: httpx.Client) -> dict[tuple[str, ...], float]:
    """Values by the name of the sample and its labels' values, in the order of their names."""
    text = http.get("/metrics").raise_for_status().text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_job_is_seen_waiting_and_then_ended(lone_gateway: httpx.Client) -> None:
    job = lone_gateway.post("/v1/recognize", files={"file": CLIP}).json()
    waiting = scrape(lone_gateway)
    assert (waiting["madv_queue_depth",], waiting["madv_jobs", "queued"]) == (1, 1)
    assert 0 < waiting["madv_queue_oldest_age_seconds",] < 60
    assert waiting["madv_upload_bytes_total",] == len(CLIP)
    lone_gateway.post(job["links"]["cancel"]).raise_for_status()
    lone_gateway.post(job["links"]["cancel"]).raise_for_status()
    ended = scrape(lone_gateway)
    assert ended["madv_jobs_ended_total", "", "canceled"] == 1
    assert (ended["madv_queue_depth",], ended["madv_queue_oldest_age_seconds",]) == (0, 0)


def test_requests_are_counted_by_route_and_status(lone_gateway: httpx.Client) -> None:
    path = lone_gateway.post("/v1/recognize", files={"file": CLIP}).json()["links"]["self"]
    polled = lone_gateway.get(path)
    lone_gateway.get(path, headers={"If-None-Match": polled.headers["etag"]})
    lone_gateway.get(path, params={"wait": "1"})
    lone_gateway.get("/v1/jobs/job_0")
    lone_gateway.get("/wp-login.php")
    lone_gateway.request("PROPFIND", "/v1/limits")
    counted = {
        tuple(labels): count
        for (name, *labels), count in scrape(lone_gateway).items()
        if name == "madv_http_request_seconds_count" and "health" not in labels[1]
    }
    assert counted == {
        ("POST", "/v1/recognize", "202", "no"): 1,
        ("GET", "/v1/jobs/{job_id}", "200", "no"): 1,
        ("GET", "/v1/jobs/{job_id}", "304", "no"): 1,
        ("GET", "/v1/jobs/{job_id}", "200", "yes"): 1,
        ("GET", "/v1/jobs/{job_id}", "404", "no"): 1,
        ("GET", "none", "404", "no"): 1,
        ("other", "/v1/limits", "405", "no"): 1,
    }


def test_an_outage_of_redis_is_a_figure(lone_gateway: httpx.Client, redis_server: Child) -> None:
    assert scrape(lone_gateway)["madv_redis_up",] == 1
    redis_server.stop()
    without = scrape(lone_gateway)
    assert without["madv_redis_up",] == 0
    assert ("madv_queue_depth",) not in without


def test_the_scraper_may_ask_for_open_metrics(lone_gateway: httpx.Client) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    scraped = lone_gateway.get("/metrics", headers=accept)
    assert scraped.headers["content-type"].startswith("application/openmetrics-text")
    assert scraped.text.endswith("# EOF\n")


def test_metrics_are_no_part_of_the_interface(lone_gateway: httpx.Client) -> None:
    assert "/metrics" not in lone_gateway.get("/openapi.json").json()["paths"]


def test_no_tenants_key_opens_the_metrics(
    wiring: Wiring,
    new_key: NewKey,
    run_gateway: Callable[[Command], AbstractContextManager[Any]],
) -> None:
    settings = {"MADV_AUTH": "required", "MADV_METRICS_TOKEN": TOKEN}
    locked = replace(wiring, settings={**wiring.settings, **settings})
    keys = {
        "": 401,
        "made-up": 401,
        new_key(scopes=["read", "submit"]): 403,
        new_key(scopes=["admin"]): 200,
        TOKEN: 200,
    }
    with run_gateway(locked.gateway()) as running:
        for key, status in keys.items():
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            assert running.http.get("/metrics", headers=headers).status_code == status
        with_token = {"Authorization": f"Bearer {TOKEN}"}
        assert running.http.get("/v1/jobs", headers=with_token).status_code == 401


def test_without_a_token_an_empty_one_opens_nothing(locked_gateway: httpx.Client) -> None:
    for sent in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic Zm9vOmJhcg=="}):
        assert locked_gateway.get("/metrics", headers=sent).status_code == 401
