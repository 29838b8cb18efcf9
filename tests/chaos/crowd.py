"""Callers who send clips and give up on none, whatever happens to the service meanwhile."""

import hashlib
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Final

import httpx

from worker.contract import JobState

_AGAIN: Final = frozenset({408, 429, 503, 507})
"""What a caller tries again, as the service says of each that it is `retryable`."""
_PAUSE_S: Final = 0.1
_WAIT_S: Final = 3
_KINDS: Final = ("madvnet", "au", "au", "again")
"""What one clip after the other is sent for; `again`: one that was sent before."""
_AGAIN_AFTER: Final = 11
"""So many clips later, a clip whose result may be there: it is shared."""
_ENDS: Final = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED})


@dataclass(slots=True)
class Sent:
    """One clip, and what became of it."""

    number: int
    sha256: str
    job_id: str | None = None
    status: JobState = JobState.QUEUED
    detail: str = ""


@dataclass
class Crowd:
    """Sends up to `count` clips, so many at once; each is followed to its end."""

    url: str
    clip: bytes
    count: int
    at_once: int
    sent: dict[int, Sent] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    """How often each status was answered to an upload."""
    wrongs: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    """Set when no more clips are to be sent."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when nobody is to be waited for any more."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f"caller-{number}")
            for number in range(self.at_once)
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def join(self, closes_s: float, ends_s: float) -> bool:
        """Whether all have been answered, none sent after one moment, by another (`monotonic`)."""
        self._join(closes_s)
        self.closing.set()
        self._join(ends_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _join(self, until_s: float) -> None:
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))

    def stop(self) -> None:
        """Give up after all."""
        self.stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def done(self) -> int:
        """Clips followed to their end."""
        return sum(sent.status in _ENDS for sent in list(self.sent.values()))

    def bytes_of(self, number: int) -> bytes:
        """A clip of its own, mostly: the last MP4 box counts."""
        is_repeated = _kind_of(number) == "again" and number >= _AGAIN_AFTER
        mark = number - _AGAIN_AFTER if is_repeated else number
        return self.clip + (12).to_bytes(4) + b"free" + mark.to_bytes(4)

    def send_one(self) -> Sent | None:
        """Send the next clip and follow it to its end; None where there is none left."""
        with self._lock:
            number = next(self._numbers)
        if number >= self.count or self.closing.is_set():
            return None
        content = self.bytes_of(number)
        sent = self.sent[number] = Sent(number, hashlib.sha256(content).hexdigest())
        with httpx.Client(base_url=self.url, timeout=20.0) as http:
            self._submit(http, sent, content)
            self._follow(http, sent)
        return sent

    def _work(self) -> None:
        while not self.stopping.is_set() and self.send_one() is not None:
            pass

    def _submit(self, http: httpx.Client, sent: Sent, content: bytes) -> None:
        while not self.stopping.is_set():
            try:
                answer = http.post(
                    "/v1/recognize",
                    files={"file": content},
                    data={"options": json.dumps({"recognizer": _recognizer_of(sent.number)})},
                    headers={"Idempotency-Key": f"clip-{sent.number}"},
                )
            except httpx.TransportError:
                self.stopping.wait(_PAUSE_S)
                continue
            self._count(answer.status_code)
            if answer.status_code == httpx.codes.ACCEPTED:
                sent.job_id = answer.json()["id"]
                return
            if answer.status_code not in _AGAIN:
                self._complain(sent, f"upload: {answer.status_code} {answer.text}")
                return
            self.stopping.wait(_PAUSE_S)

    def _follow(self, http: httpx.Client, sent: Sent) -> None:
        while sent.job_id is not None and not self.stopping.is_set():
            answer = self._get(http, f"/v1/jobs/{sent.job_id}?wait={_WAIT_S}")
            if answer is not None and not answer.is_success:
                self._complain(sent, f"state: {answer.status_code} {answer.text}")
                return
            if answer is not None:
                job = answer.json()
                sent.status = JobState(job["status"])
                if sent.status in _ENDS:
                    sent.detail = str(job["error"])
                    self._check(http, sent)
                    return
            self.stopping.wait(_PAUSE_S)

    def _check(self, http: httpx.Client, sent: Sent) -> None:
        """The result is there, of this job and of these bytes."""
        if sent.status is not JobState.SUCCEEDED:
            self._complain(sent, f"{sent.status}: {sent.detail}")
            return
        while not self.stopping.is_set():
            answer = self._get(http, f"/v1/jobs/{sent.job_id}/result")
            if answer is not None and not answer.is_success:
                self._complain(sent, f"result: {answer.status_code} {answer.text}")
                return
            if answer is not None:
                report = answer.json()
                if (report["job_id"], report["clip"]["sha256"]) != (sent.job_id, sent.sha256):
                    self._complain(sent, "the result is somebody else's")
                return
            self.stopping.wait(_PAUSE_S)

    def _get(self, http: httpx.Client, path: str) -> httpx.Response | None:
        """An answer, or None where the service is away for now."""
        try:
            answer = http.get(path)
        except httpx.TransportError:
            return None
        return None if answer.status_code in _AGAIN else answer

    def _count(self, status: int) -> None:
        with self._lock:
            self.answers[status] = self.answers.get(status, 0) + 1

    def _complain(self, sent: Sent, what: str) -> None:
        self.wrongs.append(f"clip {sent.number}, {sent.job_id}: {what}")


def _kind_of(number: int) -> str:
    return _KINDS[number % len(_KINDS)]


def _recognizer_of(number: int) -> str:
    return "au" if _kind_of(number) == "au" else "madvnet"
