"""Who follows a job hears of its changes: a stream of events per job, one channel for all."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from service.schemas import StatusEvent
from service.store.connection import OUTAGES
from service.store.text import text
from worker.contract import CHANGES_CHANNEL, EventKind, JobState, events_key

_RECONNECT_S = 0.5
_LISTEN_S = 5.0
_PAGE = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An entry of a job's stream; `data` is JSON."""

    id: str
    kind: EventKind
    data: str


class EventLog:
    """The event streams of jobs; their ids grow."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def after(self, job_id: str, last_id: str) -> list[JobEvent]:
        """The next events after the one with `last_id` (`0` for the first), oldest first."""
        found = await self._redis.xrange(events_key(job_id), f"({last_id}", "+", count=_PAGE)
        return [_event(entry, fields or {}) for entry, fields in found or ()]


def status_event(job_id: str, state: JobState) -> str:
    """What an event says of a job's state, as JSON."""
    return StatusEvent(id=job_id, status=state).model_dump_json()


def _event(entry: object, fields: Mapping[bytes | str, bytes | str]) -> JobEvent:
    return JobEvent(text(entry), EventKind(text(fields[b"kind"])), text(fields[b"data"]))


class Changes:
    """Wakes whoever waits for a job (or batch) of this gateway, from one subscription for all.

    A message may be lost while Redis restarts: waiters look for themselves now and then.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.any = asyncio.Event()
        """Set whenever anything has changed; whoever waits for it clears it."""

    @contextmanager
    def of(self, subject_id: str) -> Iterator[asyncio.Event]:
        """An event set at each change of a job or batch; clear it before you look."""
        event = asyncio.Event()
        self._waiting[subject_id].add(event)
        try:
            yield event
        finally:
            self._waiting[subject_id].discard(event)
            if not self._waiting[subject_id]:
                del self._waiting[subject_id]

    async def listen(self) -> None:
        """Listen until cancelled; an outage of Redis only delays it."""
        while True:
            try:
                await self._listen()
            except OUTAGES as outage:
                log.warning("not listening: %s", outage)
                await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(CHANGES_CHANNEL)
            self._wake_all()
            while True:
                message = await channel.get_message(timeout=_LISTEN_S)
                if message is not None:
                    self._wake(message["data"].decode())

    def _wake(self, subject_id: str) -> None:
        self.any.set()
        for event in self._waiting.get(subject_id, ()):
            event.set()

    def _wake_all(self) -> None:
        """Something may have been missed."""
        self.any.set()
        for events in self._waiting.values():
            for event in events:
                event.set()
