"""Secrets and signatures of Standard Webhooks (https://www.standardwebhooks.com)."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as callers see it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def message_id(subject_id: str) -> str:
    """The `webhook-id` of a job or batch: the same over all attempts."""
    return f"msg_{subject_id}"


def signed_headers(
    message: str, body: str, at: datetime, signing_secrets: Sequence[str]
) -> dict[str, str]:
    """The headers of one attempt made `at` (UTC); one signature for each secret still valid."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message, at, body) for secret in signing_secrets
        ),
    }
