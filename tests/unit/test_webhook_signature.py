from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from service.webhooks.notices import Notice
from service.webhooks.signature import message_id, new_secret, signed_headers

ENDED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_signatures_are_those_of_the_published_example() -> None:
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        '{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_either_secret_of_a_rotation_verifies_and_no_other() -> None:
    newer, older = new_secret(), new_secret()
    headers = signed_headers("msg_1", '{"a":1}', datetime.now(UTC), [newer, older])
    for secret in (newer, older):
        assert Webhook(secret).verify('{"a":1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify('{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(newer).verify('{"a":2}', headers)


def test_secrets_carry_their_prefix_and_differ() -> None:
    assert new_secret().startswith("whsec_")
    assert new_secret() != new_secret()


def test_the_message_says_what_ended_and_nothing_of_the_result() -> None:
    url, path = "https://example.org/hook", "/v1/jobs/job_1"
    notice = Notice("job_1", "lab", "succeeded", url, path, ENDED, forgotten_at=ENDED)
    assert notice.body() == (
        '{"type":"job.succeeded","timestamp":"2026-03-01T12:30:00Z",'
        '"data":{"id":"job_1","status":"succeeded","url":"/v1/jobs/job_1"}}'
    )
    assert message_id("job_1") == "msg_job_1"
