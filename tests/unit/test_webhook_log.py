from datetime import UTC, datetime

import pytest

from service.schemas import Attempt
from service.webhooks.notices import DeliveryLog

RETRIES_S = (5.0, 60.0)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def attempted(*answers: int | str) -> DeliveryLog:
    log = DeliveryLog()
    for answer in answers:
        status, error = (answer, None) if isinstance(answer, int) else (None, answer)
        log = log.with_attempt(Attempt(at=NOW, status=status, error=error), len(RETRIES_S))
    return log


@pytest.mark.parametrize(
    ("answers", "state", "pause_s"),
    [
        ((200,), "delivered", None),
        ((204,), "delivered", None),
        ((410,), "disabled", None),
        ((500,), "pending", 5.0),
        ((404,), "pending", 5.0),
        ((302,), "pending", 5.0),
        (("timeout",), "pending", 5.0),
        ((500, "timeout"), "pending", 60.0),
        ((500, "timeout", 503), "failed", None),
        ((500, 200), "delivered", None),
        ((500, 500, 500, 500), "pending", 5.0),
        ((200, 500), "pending", 5.0),
    ],
)
def test_what_follows_from_the_answers(
    answers: tuple[int | str, ...], state: str, pause_s: float | None
) -> None:
    log = attempted(*answers)
    assert (log.state, log.pause_s(RETRIES_S)) == (state, pause_s)
    assert len(log.attempts) == len(answers)


def test_a_refused_redirect_is_no_delivery() -> None:
    attempt = Attempt(at=NOW, status=307, error="redirect-refused")
    assert DeliveryLog().with_attempt(attempt, len(RETRIES_S)).state == "pending"


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert DeliveryLog().with_attempt(Attempt(at=NOW, status=500), 0).state == "failed"


def test_old_attempts_make_room() -> None:
    assert len(attempted(*[500] * 80).attempts) == 50
