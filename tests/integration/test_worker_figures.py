"""What workers count: whatever becomes of a job is counted once for each attempt."""

import gzip
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from obstore.store import LocalStore
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from worker.backend import Backend
from worker.contract import ANALYSE_FUNCTION, QUEUE_NAME, JobPayload, clip_key, result_key
from worker.jobs import Workplace
from worker.main import ClipWorker
from worker.process import call_in_child
from worker.task import ignore
from worker.telemetry.figures import OUTCOMES, TALLY_KEY, Count
from worker.triton.client import TritonBackend
from worker.video.limits import DecodeLimits

pytestmark = pytest.mark.integration

NO_VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(1000)
Attempt = Callable[..., Job]


def unreachable() -> Backend:
    return TritonBackend("127.0.0.1:9")


def deadly() -> Backend:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.fixture
def redis(wiring: Wiring, redis_server: Child) -> Iterator[Redis]:
    assert redis_server.returncode is None
    with closing(Redis.from_url(wiring.redis_url)) as connection:
        yield connection


@dataclass(frozen=True)
class Collector:
    """Takes traces as OpenTelemetry's collector does."""

    url: str
    bodies: list[bytes]

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        resources = [each for request in requests for each in request.resource_spans]
        scopes = [each for resource in resources for each in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            is_packed = self.headers["content-encoding"] == "gzip"
            bodies.append(gzip.decompress(body) if is_packed else body)
            self.send_response(HTTPStatus.OK if self.path == "/v1/traces" else HTTPStatus.NOT_FOUND)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Collector(f"http://127.0.0.1:{server.server_port}", bodies)
        server.shutdown()
        thread.join()


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    (tmp_path / "blobs" / "clips").mkdir(parents=True)
    return tmp_path / "blobs"


@pytest.fixture
def workplace(blobs: Path) -> Workplace:
    return Workplace(
        open_backend=unreachable,
        backend_name="triton",
        open_blobs=lambda: LocalStore(blobs),
        limits=DecodeLimits(),
        analysis_timeout_s=30.0,
        probe_timeout_s=30.0,
        report_progress=ignore,
        is_wanted=lambda _: True,
        report_proof=lambda _: None,
    )


@pytest.fixture
def attempt(redis: Redis, wiring: Wiring, blobs: Path) -> Attempt:
    """Has a worker deal with a clip."""

    def work(workplace: Workplace) -> None:
        with closing(Redis.from_url(wiring.redis_url)) as own:
            ClipWorker(own, workplace).work(burst=True)

    def run(clip: bytes, workplace: Workplace, *, retries: int = 0) -> Job:
        (blobs / clip_key("job_1")).write_bytes(clip)
        payload = JobPayload(
            job_id="job_1", clip_key=clip_key("job_1"), result_key=result_key("job_1"), sha256="00"
        )
        job = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer).enqueue_call(
            ANALYSE_FUNCTION,
            args=(payload.model_dump(mode="json"),),
            job_id="job_1",
            timeout=60,
            retry=Retry(max=retries) if retries else None,
        )
        call_in_child(60.0, work, workplace)
        return job

    return run


def outcomes(redis: Redis) -> dict[tuple[str, ...], float]:
    counted = {Count.of(field.decode()): float(n) for field, n in redis.hgetall(TALLY_KEY).items()}
    return {count.labels: n for count, n in counted.items() if count.name == OUTCOMES.name}


def test_a_fault_of_the_clip_is_counted_by_its_code(
    redis: Redis, attempt: Attempt, workplace: Workplace
) -> None:
    attempt(NO_VIDEO, workplace)
    assert outcomes(redis) == {("failed", "damaged-video"): 1}
    fields = {Count.of(field.decode()) for field in redis.hgetall(TALLY_KEY)}
    assert {count.labels for count in fields if "stage" in count.name} == {("fetch",), ("decode",)}


def test_an_error_of_ours_is_counted_at_every_attempt(
    redis: Redis, attempt: Attempt, workplace: Workplace, short_clip: Path
) -> None:
    attempt(short_clip.read_bytes(), workplace, retries=1)
    assert outcomes(redis) == {("error", "BackendUnavailable"): 2}


def test_a_death_is_counted_by_who_survives(
    redis: Redis, attempt: Attempt, workplace: Workplace, short_clip: Path
) -> None:
    attempt(short_clip.read_bytes(), replace(workplace, open_backend=deadly))
    assert outcomes(redis) == {("died", ""): 1}


def test_a_job_nobody_wants_is_counted_as_canceled(
    redis: Redis, attempt: Attempt, workplace: Workplace
) -> None:
    attempt(NO_VIDEO, replace(workplace, is_wanted=lambda _: False))
    assert outcomes(redis) == {("canceled", ""): 1}


def test_a_job_is_traced_to_a_collector(
    attempt: Attempt, workplace: Workplace, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    attempt(NO_VIDEO, replace(workplace, traces="otlp"))
    names = [span.name for span in collector.spans()]
    assert names == ["queue", "fetch", "decode", "analyse"]


def test_a_collector_that_is_gone_harms_no_job(
    redis: Redis, attempt: Attempt, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    job = attempt(NO_VIDEO, replace(workplace, traces="otlp"))
    assert job.get_status() is JobStatus.FINISHED
    assert outcomes(redis) == {("failed", "damaged-video"): 1}


def test_a_trace_that_cannot_be_written_harms_no_job(
    redis: Redis, attempt: Attempt, workplace: Workplace, tmp_path: Path
) -> None:
    nowhere = (tmp_path / "missing" / "traces.jsonl").as_uri()
    job = attempt(NO_VIDEO, replace(workplace, traces=nowhere))
    assert job.get_status() is JobStatus.FINISHED
    assert outcomes(redis) == {("failed", "damaged-video"): 1}
