"""What an answer means: models, problems, events and lines out of bytes. Does no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import BaseModel, ValidationError

from service.client.errors import ClientError, Refused, Unreachable
from service.schemas import JobProgress, Problem, StatusEvent
from worker.contract import EventKind, JobState

PENDING = frozenset({JobState.QUEUED, JobState.PROCESSING})
"""States of a job that has not ended."""
RECEIPT = "Deletion-Receipt"
"""Header of a signed statement that a job was erased."""

_OF_PROXIES = frozenset({502, 503, 504})

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One server-sent event of a job. `id` resumes after it."""

    id: str
    content: StatusEvent | JobProgress

    @property
    def is_last(self) -> bool:
        """Whether the job has ended with it."""
        return isinstance(self.content, StatusEvent) and self.content.status not in PENDING


def read(model: type[Model], content: bytes | str) -> Model:
    """A document of the service. Fields that a newer one added are passed over.

    Raises:
        Unreachable: It is not the document it should be.
    """
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as exc:
        raise Unreachable(f"the answer is no {model.__name__}: {_first(exc)}") from exc


def refusal(answer: httpx.Response) -> ClientError:
    """The error an unsuccessful answer is; its body must have been read."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        url = answer.request.url.copy_with(userinfo=b"")
        return Unreachable(
            f"{url} answers {answer.status_code} without a problem document; is it this service?",
            is_passing=answer.status_code in _OF_PROXIES,
        )
    return Refused(problem, _seconds(answer.headers.get("Retry-After")))


def event_of(received: ServerSentEvent) -> JobEvent | None:
    """A job's event; None for kinds that a newer service added."""
    match received.event:
        case EventKind.STATUS:
            return JobEvent(received.id, read(StatusEvent, received.data))
        case EventKind.PROGRESS:
            return JobEvent(received.id, read(JobProgress, received.data))
        case _:
            return None


class LineBuffer:
    """Cuts a stream of bytes at line feeds alone: JSON strings may hold other line separators."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Lines that are complete now, empty ones left out."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return filter(None, map(bytes.strip, lines))


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110: seconds or a date; None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _first(error: ValidationError) -> str:
    """Where and why, without the values, which may be anything."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
