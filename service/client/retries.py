"""When a call is tried again, and after which pause. Knows no sockets and no clock of its own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from service.client.errors import ClientError, Refused, Unreachable

sleep = time.sleep
sleep_async = anyio.sleep

_GROWTH = 2.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is. `Retries(total_s=0, reconnects=0)` tries everything once."""

    total_s: float = 60.0
    """Longest one call may be tried, from its first attempt on, pauses included."""
    reconnects: int = 3
    """Further attempts after the connection failed before there was an answer."""
    first_pause_s: float = 0.25
    longest_pause_s: float = 8.0
    statuses: frozenset[int] = frozenset({429, 503})
    """Answers that are waited out; their `Retry-After` is obeyed."""

    def pause_s(self, failures: int) -> float:
        """Exponential back-off with jitter, so that many clients do not come back at once."""
        longest_s = min(self.longest_pause_s, self.first_pause_s * _GROWTH ** max(0, failures - 1))
        return random.uniform(longest_s / 2, longest_s)  # noqa: S311  # spread, not secrecy


DEFAULT_RETRIES = Retries()


@dataclass(slots=True)
class Attempts:
    """The attempts at one call. Each failure either yields a pause or is raised."""

    retries: Retries
    may_repeat: bool = True
    remaining_s: float | None = None
    """Of the caller's patience; None is unlimited."""
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _lost: int = 0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def pause_after_loss(self, error: Unreachable, *, was_sent: bool) -> float:
        """Seconds to the next attempt after the connection failed; raises `error` if none."""
        self._lost += 1
        if self._lost > self.retries.reconnects or (was_sent and not self.may_repeat):
            raise error
        return self._pause(error, None)

    def pause_after_refusal(self, error: Refused) -> float:
        """Seconds to the next attempt after an answer such as 429; raises `error` if none."""
        if error.problem.status not in self.retries.statuses:
            raise error
        return self._pause(error, error.retry_after_s)

    def progressed(self) -> None:
        """Something came through: patience starts anew (for streams that are resumed)."""
        self._failures = self._lost = 0
        self._started = self.clock()

    def _pause(self, error: ClientError, told_s: float | None) -> float:
        self._failures += 1
        pause_s = self.retries.pause_s(self._failures) if told_s is None else told_s
        total_s = self.retries.total_s
        if self.remaining_s is not None:
            total_s = min(total_s, self.remaining_s)
        if self.clock() - self._started + pause_s > total_s:
            raise error
        return pause_s
