"""Spans, figures and log lines on their own."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from worker.contract import JobPayload
from worker.telemetry.figures import BATCHES, FIGURES, OUTCOMES, Count, Tally, samples
from worker.telemetry.logs import JOB_ID, JsonLines
from worker.telemetry.settings import TelemetrySettings
from worker.telemetry.tracing import continued, past_span, span, trace_id, traceparent

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    found = None if error is None else (type(error), error, None)
    return logging.LogRecord("madv", logging.WARNING, "", 1, message, None, found)


def test_without_an_exporter_there_is_no_trace() -> None:
    with span("decode", frames=3):
        past_span("queue", datetime.now(UTC))
        assert (traceparent(), trace_id()) == (None, None)


def test_a_trace_is_continued_from_what_was_sent() -> None:
    with continued(SENT):
        assert (traceparent(), trace_id()) == (SENT, TRACE_ID)
    assert trace_id() is None


@pytest.mark.parametrize("sent", [None, "", "nonsense", f"00-{'0' * 32}-{'0' * 16}-01"])
def test_what_is_no_traceparent_leads_nowhere(sent: str | None) -> None:
    with continued(SENT), continued(sent):
        assert trace_id() is None


def test_an_error_passes_through_a_span() -> None:
    with pytest.raises(ValueError, match="odd"), span("decode"):
        raise ValueError("odd")


def test_nothing_is_loaded_that_makes_traces() -> None:
    program = "import sys, service.app, worker.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = loaded.stdout.split()
    assert "worker.telemetry.sdk" not in modules
    assert not [name for name in modules if name.startswith("opentelemetry.exporter")]


def test_a_payload_says_nothing_of_a_trace_that_is_not_there() -> None:
    payload = JobPayload(job_id="job_1", clip_key="c", result_key="r", sha256="00")
    assert "traceparent" not in payload.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("traces", ["jaeger", "file://", "http://collector:4318"])
def test_traces_go_to_known_places_only(traces: str) -> None:
    with pytest.raises(ValueError, match="traces"):
        TelemetrySettings.model_validate({"traces": traces})


def test_values_fall_in_the_bucket_that_ends_at_or_above_them() -> None:
    tally = Tally()
    for rows in (1, 2, 3, 64, 1000):
        tally.observe(BATCHES, rows, "au")
    tally.observe(BATCHES, 1, "face")
    sums = {Count.of(field): amount for field, amount in tally.counts().items()}
    (au, of_au), (face, of_face) = samples(BATCHES, sums)
    assert (au, face) == (("au",), ("face",))
    assert of_au.buckets == [1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
    assert (of_au.sum, sum(of_face.buckets)) == (1070, 1)


def test_counts_are_added() -> None:
    tally = Tally()
    tally.add(OUTCOMES, "failed", "no-face")
    tally.add(OUTCOMES, "failed", "no-face", amount=2)
    assert tally.counts() == {"madv_worker_attempts|total|failed|no-face": 3}


def test_bounds_grow_and_names_differ() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert all(list(figure.bounds) == sorted(set(figure.bounds)) for figure in FIGURES)


def test_a_line_is_json_with_what_is_known() -> None:
    line = json.loads(JsonLines().format(record("put off: timeout")))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "madv", "message": "put off: timeout"}


def test_a_line_names_job_trace_and_error() -> None:
    token = JOB_ID.set("job_1")
    try:
        with continued(SENT):
            line = json.loads(JsonLines().format(record("two\nlines", ValueError("odd"))))
    finally:
        JOB_ID.reset(token)
    assert (line["job_id"], line["trace_id"]) == ("job_1", TRACE_ID)
    assert (line["message"], line["error"]) == ("two\nlines", "ValueError: odd")
