"""Long-polls and streams that are resumed: what to ask next and when. Does no I/O."""

import math
import time
from dataclasses import dataclass, field

import httpx

from service.client.answers import read
from service.client.calls import Call, known, path_to
from service.client.errors import JobFailed, Unreachable
from service.client.retries import Attempts
from service.schemas import Job
from worker.contract import JobState

LONG_POLL_S = 25
"""Seconds one request is held: less than proxies commonly cut idle connections after."""
STREAM_WAIT_S = 30.0
"""Silence of a stream beyond the usual time-out after which it counts as broken."""
DRAWING_S = 60.0
"""Seconds a plot may take to be drawn."""

_AFTER_NEWS_S = 0.1
_AFTER_NOTHING_S = 0.5
_LASTED_S = 5.0


def succeeded(job: Job) -> Job:
    """The job if it has succeeded. Raises JobFailed where it ended otherwise."""
    if job.status is not JobState.SUCCEEDED:
        raise JobFailed(job)
    return job


class Polling:
    """Long-polls on one job: each request is held by the service until the job has ended.

    With `wants_news` until anything has changed since the last answer (its ETag).
    """

    def __init__(self, job_id: str, timeout_s: float, *, wants_news: bool) -> None:
        self._wants_news = wants_news
        self.last: Job | None = None
        self._path = path_to("jobs", job_id)
        self._etag: str | None = None
        self._deadline = time.monotonic() + timeout_s
        self._asked_at: float | None = None
        self._shortest_s = _AFTER_NEWS_S

    @property
    def is_over(self) -> bool:
        """Whether the caller's time is up."""
        return time.monotonic() >= self._deadline

    def next_call(self) -> Call | None:
        """What to ask now; None once the time is up, but never before one answer."""
        if self._asked_at is not None and self.is_over:
            return None
        self._asked_at = time.monotonic()
        left_s = max(0.0, self._deadline - self._asked_at)
        is_first_news = self._wants_news and self._etag is None
        wait_s = 0 if is_first_news else math.ceil(min(LONG_POLL_S, left_s))
        return Call(
            "GET",
            self._path,
            params={"wait": str(wait_s)} if wait_s else {},
            headers=known({"If-None-Match": self._etag}),
            wait_s=wait_s,
            deadline=self._deadline,
        )

    def take(self, answer: httpx.Response) -> Job | None:
        """The job where it has come further, None where it has not."""
        self._shortest_s = _AFTER_NOTHING_S
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        job = read(Job, answer.content)
        self._etag = answer.headers.get("ETag") if self._wants_news else None
        if job == self.last:
            return None
        self._shortest_s = _AFTER_NEWS_S
        self.last = job
        return job

    def pause_s(self) -> float:
        """Seconds to the next request: nearly none if the service held this one back."""
        now = time.monotonic()
        earliest = (self._asked_at or now) + self._shortest_s
        return max(0.0, min(earliest, self._deadline) - now)


@dataclass(slots=True)
class Resuming:
    """A stream read piece by piece: tells where it breaks from where it ends."""

    attempts: Attempts
    had_ended: bool = False
    """Whether what it is about had ended before this piece."""
    is_exhausted: bool = False
    """Whether it had, and yet the piece held nothing."""
    _items: int = 0
    _began_at: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """A piece is asked for."""
        self._items = 0
        self._began_at = time.monotonic()

    def progressed(self) -> None:
        """An item came."""
        self._items += 1
        self.attempts.progressed()

    def pause_after(self, error: Unreachable) -> float:
        """Seconds until the next piece after this one broke; raises `error` where it is hopeless.

        A connection that held for a while and then broke is the way of the net.
        """
        if time.monotonic() - self._began_at > _LASTED_S:
            self.attempts.progressed()
        return self.attempts.pause_after_loss(error, was_sent=True)

    def pause_s(self) -> float:
        """Seconds until the next piece after this one came to its end."""
        lasted_s = time.monotonic() - self._began_at
        return 0.0 if self._items else max(0.0, _AFTER_NOTHING_S - lasted_s)

    def finish(self, *, has_ended: bool) -> None:
        """The piece came to its end; `has_ended` is asked for after it."""
        self.is_exhausted = self.had_ended and not self._items
        self.had_ended = has_ended
