"""Nothing gets into a log that is nobody's business, whoever says it."""

import io
import json
import logging

import pytest
from pydantic import ValidationError

from service.schemas import RecognizeOptions
from worker.telemetry.logs import JsonLines
from worker.telemetry.scrub import Scrubbing, scrubbed

KEY = "madv_1vq4jyh3_" + "Ab-_9" * 8 + "xyz"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"no such key: {KEY}", "no such key: madv_1vq4jyh3_***"),
        (f"Authorization: Bearer {KEY}", "Authorization: Bearer ***"),
        ("secret whsec_QUJD+/=", "secret whsec_***"),
        ("redis://:hunter2@10.0.0.7:6379/0 is away", "redis://***@10.0.0.7:6379/0 is away"),
        (
            "POST https://hooks.example.org/T00/B00/xyz?sig=1#a failed",
            "POST https://hooks.example.org failed",
        ),
        ("https://me:pass@example.org/x", "https://example.org"),
        ("{'password': 'hunter2', 'port': 1}", "{'password': '***', 'port': 1}"),
        ("AWS_SECRET_ACCESS_KEY=abc/def", "AWS_SECRET_ACCESS_KEY=***"),
        ("cannot read '/home/Anna/subject 7/EP02_01f.mp4'", "cannot read '***.mp4'"),
        ("cannot read /home/Anna/EP02_01f.mp4: gone", "cannot read ***.mp4: gone"),
        ("archive holds Anna_0001.PNG twice", "archive holds ***.PNG twice"),
        (
            'Command # 3 (HSET job record {"client_ref": "Anna"}) of pipeline caused error: OOM',
            "Command # 3 *** of pipeline caused error: OOM",
        ),
        ("[type=string_type, input_value='Anna', input_type=str]", None),
        ("job job_3f0c9a6be1d24f0f8b7a5d2c4e6f8091 failed in worker/jobs.py, line 82", None),
    ],
)
def test_secrets_and_names_are_taken_out(said: str, kept: str | None) -> None:
    if kept is not None:
        assert scrubbed(said) == kept
    assert "Anna" not in scrubbed(said)
    assert "hunter2" not in scrubbed(said)


def test_what_helps_stays() -> None:
    said = "Error 111 connecting to 127.0.0.1:6379. Connection refused. job_3f0c9a6be1d24f0f"
    assert scrubbed(said) == said


@pytest.mark.parametrize("inner", [JsonLines(), logging.Formatter("%(message)s")])
def test_a_traceback_is_scrubbed_with_its_message(inner: logging.Formatter) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Scrubbing(inner))
    logger = logging.getLogger("tests.scrub")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        raise OSError(f"{KEY} sent anna.mp4")  # noqa: TRY301  # a traceback is wanted
    except OSError:
        logger.exception("told with %s", KEY)
    told = stream.getvalue()
    assert KEY not in told
    assert "anna" not in told
    assert "OSError" in told
    if isinstance(inner, JsonLines):
        assert json.loads(told)["message"].startswith("told with madv_1vq4jyh3_***")


def test_a_refusal_does_not_quote_what_was_sent() -> None:
    with pytest.raises(ValidationError) as refused:
        RecognizeOptions.model_validate({"client_ref": "Anna" * 200})
    assert "Anna" not in str(refused.value)
