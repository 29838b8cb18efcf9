"""The RQ worker on a real queue: what is tried again, what is unwanted, told and erased."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from obstore.store import LocalStore
from redis import Redis
from redis.client import PubSub
from rq import Queue, Retry, Worker
from rq.command import send_stop_job_command
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from service.embedded.processes import Child
from service.embedded.stack import EmbeddedStack
from service.embedded.wiring import Wiring
from worker.announcements import Announcer, is_wanted
from worker.backend import Backend, ModelDescription
from worker.contract import (
    ANALYSE_FUNCTION,
    CAPABILITIES_KEY,
    CHANGES_CHANNEL,
    EVENTS_KEPT,
    PROBE_KEY,
    PROGRESS_META_KEY,
    QUEUE_NAME,
    RECOGNIZERS,
    SETTLED_FIELD,
    AnalysisReport,
    Capabilities,
    JobPayload,
    Progress,
    clip_key,
    events_key,
    job_key,
    result_key,
)
from worker.jobs import Workplace
from worker.main import ClipWorker
from worker.process import call_in_child
from worker.settings import ModelSettings
from worker.task import ignore
from worker.triton.client import TritonBackend
from worker.triton.factory import OpenBackend
from worker.triton.inprocess import InProcessBackend
from worker.video.limits import DecodeLimits

pytestmark = pytest.mark.integration

NOBODY = "127.0.0.1:9"


def unreachable() -> Backend:
    return TritonBackend(NOBODY)


def local_models() -> Backend:
    return InProcessBackend(ModelSettings().model_repo)


class Silent(TritonBackend):
    """A model server that never answers."""

    def describe(self, *_: object) -> ModelDescription:
        threading.Event().wait()
        raise AssertionError


@dataclass(frozen=True)
class Bench:
    """A queue, a blob store, and what the worker is told by them."""

    redis: Redis
    url: str
    blobs: Path

    def submit(self, clip: bytes, *, store_input: bool = False, is_recorded: bool = True) -> Job:
        """A queued job that may be tried twice, its clip, and what the gateway writes of it."""
        job_id = f"job_{os.urandom(4).hex()}"
        path = self.blobs / clip_key(job_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip)
        if is_recorded:
            self.redis.hset(job_key(job_id), "record", "{}")
            self.redis.xadd(events_key(job_id), {"kind": "status", "data": "{}"})
        payload = JobPayload(
            job_id=job_id,
            clip_key=clip_key(job_id),
            result_key=result_key(job_id),
            sha256="00",
            store_input=store_input,
        )
        queue = Queue(QUEUE_NAME, connection=self.redis, serializer=JSONSerializer)
        return queue.enqueue_call(
            ANALYSE_FUNCTION,
            args=(payload.model_dump(mode="json"),),
            job_id=job_id,
            timeout=60,
            retry=Retry(max=1),
        )

    def work(
        self,
        open_backend: OpenBackend = unreachable,
        wanted: Callable[[Redis, str], bool] = is_wanted,
    ) -> None:
        """Work until the queue is empty."""
        connection = Redis.from_url(self.url)
        workplace = Workplace(
            open_backend=open_backend,
            backend_name="triton",
            open_blobs=lambda: LocalStore(self.blobs),
            limits=DecodeLimits(),
            analysis_timeout_s=30.0,
            probe_timeout_s=30.0,
            report_progress=ignore,
            is_wanted=lambda job_id: wanted(connection, job_id),
            report_proof=lambda proof: connection.set(PROBE_KEY, proof.model_dump_json()),
        )
        ClipWorker(connection, workplace).work(burst=True)

    def has_clip(self, job: Job) -> bool:
        return (self.blobs / clip_key(job.id)).exists()

    def has_result(self, job: Job) -> bool:
        return (self.blobs / result_key(job.id)).exists()

    def events(self, job: Job) -> list[tuple[str, dict[str, object]]]:
        """What was added to the gateway's first event."""
        entries = self.redis.xrange(events_key(job.id))
        return [(fields[b"kind"].decode(), json.loads(fields[b"data"])) for _, fields in entries][
            1:
        ]


@pytest.fixture
def bench(wiring: Wiring, redis_server: Child, tmp_path: Path) -> Iterator[Bench]:
    assert redis_server.returncode is None
    url = wiring.environment()["MADV_REDIS_URL"]
    with closing(Redis.from_url(url)) as connection:
        yield Bench(connection, url, tmp_path / "blobs")


@pytest.fixture
def changes(bench: Bench) -> Iterator[PubSub]:
    with bench.redis.pubsub() as channel:
        channel.subscribe(CHANGES_CHANNEL)
        assert channel.get_message(timeout=5.0) is not None
        yield channel


def heard(channel: PubSub) -> list[str]:
    """Everything told by now."""
    messages = iter(lambda: channel.get_message(timeout=0.2), None)
    return [message["data"].decode() for message in messages]


def test_an_outage_is_tried_again_and_the_clip_erased_after_the_last_try(
    bench: Bench, demo_clip: Path
) -> None:
    job = bench.submit(demo_clip.read_bytes())

    call_in_child(60.0, bench.work)

    job.refresh()
    assert job.get_status() is JobStatus.FAILED
    assert job.retries_left == 0
    assert job.meta[PROGRESS_META_KEY]["stage"] == "decode"
    assert "BackendUnavailable" in str(job.latest_result().exc_string)
    assert not bench.has_clip(job)
    assert not bench.has_result(job)
    assert bench.redis.get(PROBE_KEY) is None
    begun = ("status", {"id": job.id, "status": "processing"})
    assert bench.events(job).count(begun) == 2


@pytest.mark.parametrize("store_input", [False, True])
def test_a_bad_clip_is_an_outcome_at_the_first_try(bench: Bench, *, store_input: bool) -> None:
    job = bench.submit(b"no video", store_input=store_input)

    call_in_child(60.0, bench.work)

    job.refresh()
    assert job.get_status() is JobStatus.FINISHED
    assert job.retries_left == 1
    assert job.return_value()["failure"]["code"] == "not-a-video"
    assert bench.has_clip(job) == store_input


def test_a_result_names_its_model_and_the_way_to_it_is_told(
    bench: Bench, changes: PubSub, demo_clip: Path
) -> None:
    job = bench.submit(demo_clip.read_bytes())

    call_in_child(60.0, bench.work, local_models)

    job.refresh()
    outcome = job.return_value()
    report = AnalysisReport.model_validate_json(
        (bench.blobs / result_key(job.id)).read_text(encoding="utf-8")
    )
    assert (outcome["state"], outcome["model_digest"]) == ("succeeded", report.model.digest)
    assert bench.redis.get(PROBE_KEY) is not None
    events = bench.events(job)
    assert events[0] == ("status", {"id": job.id, "status": "processing"})
    progress = [Progress.model_validate(data) for kind, data in events if kind == "progress"]
    stages = list(dict.fromkeys(step.stage for step in progress))
    assert stages == ["decode", "face", "align", "action_units", "recognize"]
    assert job.meta[PROGRESS_META_KEY] == progress[-1].model_dump(mode="json")
    # One for each event, and one when RQ has recorded the end.
    assert heard(changes) == [job.id] * (len(events) + 1)


@pytest.mark.parametrize("is_recorded", [False, True], ids=["deleted", "settled"])
def test_a_job_nobody_wants_is_not_begun(bench: Bench, *, is_recorded: bool) -> None:
    job = bench.submit(b"no video", is_recorded=is_recorded)
    if is_recorded:
        bench.redis.hset(job_key(job.id), SETTLED_FIELD, "{}")

    call_in_child(60.0, bench.work)

    job.refresh()
    assert job.get_status() is JobStatus.FINISHED
    assert job.return_value() == {"state": "canceled", "failure": None, "model_digest": None}
    assert not bench.has_clip(job)
    assert bench.redis.exists(job_key(job.id), events_key(job.id)) == 2 * is_recorded


def test_a_result_nobody_wants_any_more_is_not_written(bench: Bench, demo_clip: Path) -> None:
    job = bench.submit(demo_clip.read_bytes())
    answers = iter([True, False])

    call_in_child(60.0, bench.work, local_models, lambda *_: next(answers))

    job.refresh()
    assert job.return_value()["state"] == "canceled"
    assert not bench.has_clip(job)
    assert not bench.has_result(job)


def test_what_is_told_of_an_erased_job_brings_back_no_key(bench: Bench, changes: PubSub) -> None:
    job = bench.submit(b"")
    announcer = Announcer(bench.redis, job)
    job.delete()
    bench.redis.delete(job_key(job.id), events_key(job.id))

    announcer.start()
    announcer.report_progress(Progress(stage="decode"))

    assert list(bench.redis.scan_iter(f"*{job.id}*")) == []
    assert heard(changes) == [job.id] * 2


def test_progress_is_told_in_moderation(bench: Bench) -> None:
    job = bench.submit(b"")
    announcer = Announcer(bench.redis, job)

    start_s = time.monotonic()
    for done in range(2000):
        announcer.report_progress(Progress(stage="decode", frames_done=done))
    most = 2 + (time.monotonic() - start_s) / 0.1
    announcer.report_progress(Progress(stage="face"))

    told = [data for _, data in bench.events(job)]
    assert len(told) <= most + 1
    assert told[-1]["stage"] == "face"


def test_a_stream_of_events_does_not_grow_for_ever(bench: Bench) -> None:
    job = bench.submit(b"")
    announcer = Announcer(bench.redis, job)
    for number in range(3 * EVENTS_KEPT):
        announcer.report_progress(Progress(stage=str(number)))
    # Redis cuts whole nodes of a hundred entries.
    assert EVENTS_KEPT <= bench.redis.xlen(events_key(job.id)) <= EVENTS_KEPT + 100


@contextmanager
def working(bench: Bench, open_backend: OpenBackend) -> Iterator[BaseProcess]:
    """A worker in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=bench.work, args=(open_backend,))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def test_a_stopped_job_ends_at_once(
    bench: Bench,
    changes: PubSub,
    demo_clip: Path,
    eventually: Callable[..., None],
    descendants: Callable[[int], list[int]],
    is_gone: Callable[[int], bool],
) -> None:
    job = bench.submit(demo_clip.read_bytes())
    with working(bench, lambda: Silent(NOBODY)) as worker:
        eventually(
            lambda: bool(bench.events(job)) and bench.events(job)[-1][1].get("stage") == "decode"
        )
        horses = descendants(worker.pid)
        heard(changes)

        send_stop_job_command(bench.redis, job.id, serializer=JSONSerializer)
        eventually(lambda: job.get_status() is JobStatus.STOPPED)
        eventually(lambda: heard(changes) == [job.id])

        assert not bench.has_clip(job)
        assert job.retries_left == 1
        assert horses
        assert all(is_gone(horse) for horse in horses)
        worker.join(10.0)
        assert worker.exitcode == 0


def test_a_stop_without_a_horse_harms_nobody(bench: Bench) -> None:
    """RQ would kill the group of the process that asks, which is this one's."""

    def kill() -> str:
        worker = ClipWorker(Redis.from_url(bench.url), None)  # type: ignore[arg-type]  # not asked
        worker.kill_horse()
        return "alive"

    assert call_in_child(10.0, kill) == "alive"


def test_workers_announce_what_they_can_do(stack: EmbeddedStack) -> None:
    with closing(Redis.from_url(stack.wiring.environment()["MADV_REDIS_URL"])) as redis:
        able = Capabilities.model_validate_json(redis.get(CAPABILITIES_KEY))
        assert len(Worker.all(connection=redis)) == stack.config.workers

    assert [card.name for card in able.models] == list(RECOGNIZERS)
    assert able.models[0].metrics
    assert able.limits.max_bytes == int(stack.config.settings["MADV_MAX_UPLOAD_BYTES"])
