"""The RQ worker with a model server that is not there: what is tried again, and what is erased."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from obstore.store import LocalStore
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from worker.contract import (
    ANALYSE_FUNCTION,
    PROBE_KEY,
    PROGRESS_META_KEY,
    QUEUE_NAME,
    JobPayload,
    clip_key,
    result_key,
)
from worker.jobs import Workplace
from worker.main import ClipWorker
from worker.process import call_in_child
from worker.triton.client import TritonBackend
from worker.video.limits import DecodeLimits

pytestmark = pytest.mark.integration

NOBODY = "127.0.0.1:9"


@pytest.fixture
def redis(wiring: Wiring, redis_server: Child) -> Iterator[Redis]:
    assert redis_server.returncode is None
    with closing(Redis.from_url(wiring.environment()["MADV_REDIS_URL"])) as connection:
        yield connection


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def submit(redis: Redis, blobs: Path, clip: bytes, *, store_input: bool = False) -> Job:
    """A queued job that may be tried twice, and its clip."""
    job_id = f"job_{store_input}"
    path = blobs / clip_key(job_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(clip)
    payload = JobPayload(
        job_id=job_id,
        clip_key=clip_key(job_id),
        result_key=result_key(job_id),
        sha256="00",
        store_input=store_input,
    )
    queue = Queue(QUEUE_NAME, connection=redis, serializer=JSONSerializer)
    return queue.enqueue_call(
        ANALYSE_FUNCTION,
        args=(payload.model_dump(mode="json"),),
        job_id=job_id,
        timeout=60,
        retry=Retry(max=1),
    )


def work(url: str, blobs: Path) -> None:
    """Work until the queue is empty."""
    connection = Redis.from_url(url)
    workplace = Workplace(
        open_backend=lambda: TritonBackend(NOBODY),
        backend_name="triton",
        open_blobs=lambda: LocalStore(blobs),
        limits=DecodeLimits(),
        analysis_timeout_s=30.0,
        probe_timeout_s=30.0,
        report_progress=lambda _: None,
        report_proof=lambda proof: connection.set(PROBE_KEY, proof.model_dump_json()),
    )
    ClipWorker(connection, workplace).work(burst=True)


def test_an_outage_is_tried_again_and_the_clip_erased_after_the_last_try(
    redis: Redis, wiring: Wiring, blobs: Path, demo_clip: Path
) -> None:
    job = submit(redis, blobs, demo_clip.read_bytes())

    call_in_child(60.0, work, wiring.environment()["MADV_REDIS_URL"], blobs)

    job.refresh()
    assert job.get_status() is JobStatus.FAILED
    assert job.retries_left == 0
    assert job.meta[PROGRESS_META_KEY]["stage"] == "face"
    assert "BackendUnavailable" in str(job.latest_result().exc_string)
    assert not (blobs / clip_key(job.id)).exists()
    assert not (blobs / result_key(job.id)).exists()
    assert redis.get(PROBE_KEY) is None


@pytest.mark.parametrize("store_input", [False, True])
def test_a_bad_clip_is_an_outcome_at_the_first_try(
    redis: Redis, wiring: Wiring, blobs: Path, *, store_input: bool
) -> None:
    job = submit(redis, blobs, b"no video", store_input=store_input)

    call_in_child(60.0, work, wiring.environment()["MADV_REDIS_URL"], blobs)

    job.refresh()
    assert job.get_status() is JobStatus.FINISHED
    assert job.retries_left == 1
    assert job.return_value()["failure"]["code"] == "not-a-video"
    assert (blobs / clip_key(job.id)).exists() == store_input
