import csv
import hashlib
import io
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack
from service.schemas import Job, RecognizeOptions
from worker.contract import AnalysisReport, Faces, JobState, Mode, clip_key
from worker.demo.clip import DEMO_EVENT, DURATION_S, demo_frames
from worker.video.encode import write_clip

pytestmark = pytest.mark.integration

FRAMES = 84


@pytest.fixture(scope="module")
def done(stack: EmbeddedStack, demo_clip: Path) -> tuple[Job, AnalysisReport]:
    """A job that succeeded, and its result."""
    with MadvClient(stack.gateway_url) as client:
        options = RecognizeOptions(client_ref="mine", tags=["smile"], deduplicate=False)
        job = client.submit(demo_clip, options)
        return client.wait(job.id, timeout_s=90.0), client.result(job.id)


def test_an_upload_is_accepted_with_the_address_of_its_job(
    http: httpx.Client, demo_clip: Path, finished: Callable[[str], Job]
) -> None:
    answer = http.post(
        "/v1/recognize",
        files={"file": demo_clip.read_bytes()},
        data={"options": '{"deduplicate": false}'},
    )
    job = Job.model_validate_json(answer.content)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job.id}"
    assert answer.headers["retry-after"].isdecimal()
    assert job.status in {JobState.QUEUED, JobState.PROCESSING}
    assert job.created_at.utcoffset() is not None
    assert job.expires_at > job.created_at
    assert finished(job.id).status is JobState.SUCCEEDED


def test_the_job_says_what_became_of_the_clip(
    done: tuple[Job, AnalysisReport], demo_clip: Path
) -> None:
    job, _ = done
    assert job.status is JobState.SUCCEEDED
    assert job.error is None
    assert (job.client_ref, job.tags) == ("mine", ["smile"])
    assert job.clip.sha256 == hashlib.sha256(demo_clip.read_bytes()).hexdigest()
    assert job.clip.bytes == demo_clip.stat().st_size
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at


def test_the_result_has_a_row_per_frame_and_whole_probabilities(
    done: tuple[Job, AnalysisReport],
) -> None:
    job, report = done
    assert report.job_id == job.id
    assert report.clip.sha256 == job.clip.sha256
    assert len(report.action_units.frames) == report.clip.frames == FRAMES
    assert len(report.prediction.probabilities) == 8
    assert math.isclose(sum(report.prediction.probabilities.values()), 1.0, abs_tol=1e-3)


def test_the_result_as_csv_reads_like_one_of_openface(
    done: tuple[Job, AnalysisReport], http: httpx.Client
) -> None:
    job, report = done
    answer = http.get(job.links.result, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert [int(row["frame"]) for row in rows] == list(range(1, FRAMES + 1))
    column = report.action_units.names.index("AU12")
    measured = report.action_units.frames[40].intensity
    assert measured is not None
    assert math.isclose(float(rows[40]["AU12_r"]), measured[column], abs_tol=1e-3)


def test_json_is_the_default_and_other_types_are_not_acceptable(
    done: tuple[Job, AnalysisReport], http: httpx.Client
) -> None:
    job, _ = done
    assert http.get(job.links.result).headers["content-type"] == "application/json"
    refused = http.get(job.links.result, headers={"Accept": "video/mp4"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not-acceptable")


@pytest.mark.parametrize(
    ("media_type", "start"),
    [("image/png", b"\x89PNG"), ("application/vnd.apache.parquet", b"PAR1")],
)
def test_a_result_comes_as_plot_and_parquet_too(
    done: tuple[Job, AnalysisReport],
    http: httpx.Client,
    eventually: Callable[..., None],
    media_type: str,
    start: bytes,
) -> None:
    job, _ = done
    asked = {"Accept": media_type}
    eventually(lambda: http.get(job.links.result, headers=asked).status_code == 200, 60.0)
    answer = http.get(job.links.result, headers=asked)
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(start)


def test_the_same_clip_again_shares_the_result_as_a_job_of_its_own(
    done: tuple[Job, AnalysisReport], client: MadvClient, demo_clip: Path
) -> None:
    _, report = done
    again = client.wait(client.submit(demo_clip).id, timeout_s=5.0)
    assert again.deduplicated_from is not None
    assert again.started_at is None
    shared = client.result(again.id)
    assert shared.job_id == again.id
    assert shared.prediction == report.prediction
    client.delete(again.deduplicated_from)
    assert client.result(again.id) == shared


def test_a_caller_may_wait_for_the_result_itself(http: httpx.Client, demo_clip: Path) -> None:
    answer = http.post(
        "/v1/recognize", files={"file": demo_clip.read_bytes()}, headers={"Prefer": "wait=60"}
    )
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=60"
    job_id = answer.headers["location"].rpartition("/")[2]
    assert AnalysisReport.model_validate_json(answer.content).job_id == job_id


def test_models_and_limits_are_published(client: MadvClient) -> None:
    model, *_ = client.models()
    assert model.name == "madvnet"
    assert "happiness" in model.labels
    assert model.digest.startswith("sha256:")
    assert {metric.name for metric in model.metrics}
    limits = client.limits()
    assert limits.clip.max_bytes == 4 * 1024 * 1024
    assert "mp4" in limits.clip.containers


def test_the_clip_is_erased_unless_it_is_to_be_kept(
    client: MadvClient,
    stack: EmbeddedStack,
    demo_clip: Path,
    done: tuple[Job, AnalysisReport],
    eventually: Callable[..., None],
) -> None:
    blobs = stack.config.data_dir / "blobs"
    eventually(lambda: not (blobs / clip_key(done[0].id)).exists())
    kept = client.submit(demo_clip, RecognizeOptions(store_input=True))
    client.wait(kept.id, timeout_s=90.0)
    assert (blobs / clip_key(kept.id)).read_bytes() == demo_clip.read_bytes()


def test_ready_means_every_part_was_seen_to_work(client: MadvClient) -> None:
    checks = client.ready().checks
    assert set(checks) == {"redis", "blobs", "worker", "inference"}
    assert all(check.ok for check in checks.values())


def test_a_chunked_body_over_the_limit_is_refused_and_leaves_nothing(
    http: httpx.Client, stack: EmbeddedStack
) -> None:
    before = _clips(stack)
    limit = int(stack.config.settings["MADV_MAX_UPLOAD_BYTES"])
    form_head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    clip_head = b"\x00\x00\x00\x20ftypisom"
    body = (
        chunk
        for chunk in (form_head, clip_head, *(bytes(64 * 1024) for _ in range(limit // 32768)))
    )
    answer = http.post(
        "/v1/recognize",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    problem = answer.json()
    assert "content-length" not in answer.request.headers
    assert (answer.status_code, problem["code"], problem["limit"]) == (413, "too-large", limit)
    assert problem["measured"] > limit
    assert _clips(stack) == before


def test_a_declared_length_over_the_limit_is_refused(
    http: httpx.Client, stack: EmbeddedStack
) -> None:
    limit = int(stack.config.settings["MADV_MAX_UPLOAD_BYTES"])
    answer = http.post("/v1/recognize", files={"file": bytes(limit + 128 * 1024)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def _clips(stack: EmbeddedStack) -> set[Path]:
    return set((stack.config.data_dir / "blobs" / "clips").glob("*"))


def test_every_face_is_listed_where_that_is_asked_for(client: MadvClient, short_clip: Path) -> None:
    plain = client.recognize(short_clip)
    listed = client.recognize(short_clip, RecognizeOptions(faces=Faces.ALL))

    (face,) = listed.faces
    assert plain.faces == []
    assert face.track_id == 0
    assert face.action_units == listed.action_units == plain.action_units


def test_a_film_of_two_events_has_both_in_its_result(client: MadvClient, tmp_path: Path) -> None:
    once = [np.ascontiguousarray(image[::2, ::2]) for image in demo_frames()][::2]
    write_clip(tmp_path / "twice.mp4", once * 2, Fraction(30))

    options = RecognizeOptions(mode=Mode.SPOT)
    report = client.recognize(tmp_path / "twice.mp4", options)

    assert report.mode is Mode.SPOT
    apexes = sorted(event.apex_s for event in report.events)
    assert apexes == pytest.approx([DEMO_EVENT.apex_s, DURATION_S + DEMO_EVENT.apex_s], abs=0.1)
    for event in report.events:
        assert event.onset_s < event.apex_s < event.offset_s
        assert sum(event.probabilities.values()) == pytest.approx(1.0, abs=1e-3)
