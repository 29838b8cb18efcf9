"""What is told, and what is remembered about the telling."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.schemas import Attempt

_KEPT_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """The end of a job or a batch, for the one who asked to be told.

    `url` is the target, `path` where the API shows the subject. `ended_at` and `forgotten_at`,
    after which nothing about the subject is kept, are in UTC.
    """

    subject_id: str
    tenant: str
    status: str
    url: str
    path: str
    ended_at: datetime
    forgotten_at: datetime

    def body(self) -> str:
        """The message: the same at every attempt, and nothing of the result."""
        kind = self.subject_id.partition("_")[0]
        message = {
            "type": f"{kind}.{self.status}",
            "timestamp": self.ended_at.isoformat().replace("+00:00", "Z"),
            "data": {"id": self.subject_id, "status": self.status, "url": self.path},
        }
        return json.dumps(message, separators=(",", ":"))


NoticeSource = Callable[[str], Awaitable[Notice | None]]
"""The notice of a subject's id; None where it is gone, or nobody wants to be told."""


class DeliveryLog(BaseModel):
    """What became of a notice. `tries` counts the attempts since it was last asked for."""

    model_config = ConfigDict(frozen=True)

    state: Literal["pending", "delivered", "failed", "disabled"] = "pending"
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()

    def with_attempt(self, attempt: Attempt, retries: int) -> "DeliveryLog":
        """After one more attempt, where `retries` may follow the first of a round."""
        tries = 1 + (self.tries if self.state == "pending" else 0)
        return DeliveryLog(
            state=_state(attempt, is_last=tries > retries),
            tries=tries,
            attempts=(*self.attempts, attempt)[-_KEPT_ATTEMPTS:],
        )

    def disabled(self) -> "DeliveryLog":
        """Given up without an attempt."""
        return self.model_copy(update={"state": "disabled"})

    def pause_s(self, retries_s: Sequence[float]) -> float | None:
        """Seconds until the next attempt; None where none follows."""
        return retries_s[self.tries - 1] if self.state == "pending" else None


def _state(
    attempt: Attempt, *, is_last: bool
) -> Literal["pending", "delivered", "failed", "disabled"]:
    if attempt.error is None and attempt.status is not None:
        if 200 <= attempt.status < 300:  # noqa: PLR2004  # success in HTTP
            return "delivered"
        if attempt.status == 410:  # noqa: PLR2004  # gone: the target wants no more
            return "disabled"
    return "failed" if is_last else "pending"
