"""Random submissions, cancellations, deletions, expiries and dying workers on a real stack."""

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from redis import Redis

from service.embedded.stack import EmbeddedStack, StackConfig
from service.store.names import AUDIT
from worker.contract import CAPABILITIES_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEED = 20250
STEPS = 320
MOST_KILLS = 4
"""Five deaths a minute end a stack."""
TERMINAL = {"succeeded", "failed", "canceled", "expired"}


@pytest.fixture(scope="module")
def busy_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """Two workers, and lives that may be as short as a second."""
    config = StackConfig(
        tmp_path_factory.mktemp("busy"),
        workers=2,
        settings={"MADV_RESULT_TTL_MIN_S": "1", "MADV_SWEEP_INTERVAL_S": "0.5"},
    )
    with EmbeddedStack(config) as running:
        yield running


@dataclass
class Lives:
    """What has been done to which job, and what each has been seen as."""

    http: httpx.Client
    clip: bytes
    random: random.Random
    known: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def submit(self, **options: object) -> None:
        """A clip of its own: bytes after the last box are no part of the video."""
        padding = self.random.randbytes(8)
        clip = self.clip + b"\x00\x00\x00\x10free" + padding
        sent = self.http.post(
            "/v1/recognize", files={"file": clip}, data={"options": json.dumps(options)}
        )
        assert sent.status_code == 202, sent.text
        self.known[sent.json()["id"]] = sent.json()["status"]

    def look(self, job_id: str) -> str:
        """The job's status, which never leaves an end for anything but expiry."""
        answer = self.http.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        before, status = self.known[job_id], answer.json()["status"]
        if before in TERMINAL:
            assert status in {before, "expired"}, f"{job_id}: {before} became {status}"
        self.known[job_id] = status
        return str(status)

    def cancel(self) -> None:
        job_id = self._any()
        answer = self.http.post(f"/v1/jobs/{job_id}/cancel")
        assert answer.json()["status"] in TERMINAL
        self.look(job_id)

    def delete(self) -> None:
        job_id = self._any()
        assert self.http.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert self.http.get(f"/v1/jobs/{job_id}").status_code == 410
        self.deleted.add(job_id)
        del self.known[job_id]

    def step(self, stack: EmbeddedStack) -> None:
        """One thing that may happen."""
        kinds = ["submit", "look", "cancel", "delete", "short life", "short deadline", "kill"]
        kind = self.random.choices(kinds, weights=[28, 30, 10, 12, 8, 4, 1])[0]
        if not self.known:
            kind = "submit"
        if kind == "kill" and self.done["kill"] >= MOST_KILLS:
            kind = "look"
        self.done[kind] += 1
        match kind:
            case "submit":
                self.submit(store_input=self.random.random() < 0.2)
            case "short life":
                self.submit(ttl_s=1)
            case "short deadline":
                self.submit(deadline_s=1)
            case "cancel":
                self.cancel()
            case "delete":
                self.delete()
            case "kill":
                os.kill(self.random.choice(stack.worker_pids), signal.SIGKILL)
            case _:
                self.look(self._any())

    def _any(self) -> str:
        """A job, rather one of the latest."""
        ids = list(self.known)
        return self.random.choice(ids[-8:] if self.random.random() < 0.7 else ids)


def test_every_job_ends_once_and_what_is_deleted_is_gone(
    busy_stack: EmbeddedStack, short_clip: Path, eventually: Callable[..., None]
) -> None:
    with httpx.Client(base_url=busy_stack.gateway_url, timeout=30.0) as http:
        lives = Lives(http, short_clip.read_bytes(), random.Random(SEED))
        for _ in range(STEPS):
            lives.step(busy_stack)
        assert lives.done["kill"] > 0

        eventually(lambda: all(lives.look(i) in TERMINAL for i in lives.known), timeout_s=300.0)

        assert set(_listed(http)) == set(lives.known)
        for job_id, status in lives.known.items():
            answer = http.get(f"/v1/jobs/{job_id}/result")
            if lives.look(job_id) == status == "succeeded":
                assert answer.json()["job_id"] == job_id
            else:
                assert answer.status_code in {409, 410, 504}, answer.text
        for job_id in lives.deleted:
            assert http.get(f"/v1/jobs/{job_id}").status_code == 410
        eventually(lambda: not _residue(busy_stack, lives.deleted), timeout_s=60.0)


def _listed(http: httpx.Client) -> Iterator[str]:
    cursor: dict[str, str] = {}
    while True:
        page = http.get("/v1/jobs", params={"limit": 100, **cursor}).json()
        yield from (job["id"] for job in page["data"])
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _residue(stack: EmbeddedStack, deleted: set[str]) -> set[str]:
    """What is left of deleted jobs: files, Redis keys, and mentions in them."""
    files = {str(path) for path in (stack.wiring.data_dir / "blobs").rglob("*") if path.is_file()}
    with closing(Redis.from_url(stack.wiring.redis_url)) as redis:
        expected = {f"madv:gone:{job_id}".encode() for job_id in deleted} | {AUDIT.encode()}
        kept = {key: redis.dump(key) for key in redis.scan_iter() if key not in expected}
        held = {f"{key.decode()} {redis.type(key).decode()}": dump for key, dump in kept.items()}
        assert redis.exists(CAPABILITIES_KEY)
    mentions = {
        name
        for name, dump in held.items()
        for job_id in deleted
        if job_id in name or (dump is not None and job_id.encode() in dump)
    }
    return mentions | {name for name in files if any(job_id in name for job_id in deleted)}
