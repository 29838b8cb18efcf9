"""Jobs while everything around them fails: none is lost, none has two results, none is stuck.

`make chaos` is the full size. The seed says which fault comes when.
"""

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import pytest
from crowd import Crowd
from faults import FAULTS, Chaos
from faulty_site import Site

from worker.contract import JobState, events_key
from worker.demo.clip import demo_frames
from worker.video.encode import write_clip

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

JOBS = int(os.environ.get("MADV_CHAOS_JOBS", "40"))
SEED = int(os.environ.get("MADV_CHAOS_SEED", "20250"))
FAULTS_S = float(os.environ.get("MADV_CHAOS_FAULTS_S", "25"))
"""For how long new faults come."""
CHOSEN = os.environ.get("MADV_CHAOS_FAULTS", "").split()
"""These alone, in this order, where any are named."""
AT_ONCE = 8
"""Callers, each with one job under way."""
MOST_S = float(os.environ.get("MADV_CHAOS_MOST_S", "560"))
"""For how long clips are sent and followed."""
ENDING_S = 40.0
"""For how long, of that, none is sent any more."""
FULL_SIZE = 1000
WORKER_DEATH_S = 30.0
"""In which the job of a dead worker ends, where the machine has time to spare."""
EVENT = slice(24, 40, 2)
FACE = (slice(0, 256), slice(96, 352))
SIZE = 96


@dataclass
class Toll:
    """How long the service took to come back, by fault."""

    recoveries_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    impossible: set[str] = field(default_factory=set)

    def table(self) -> str:
        """Faults with how often they came and how long recovery took."""
        rows = [
            f"{name:28} {len(found):4} {statistics.median(found):8.1f} {max(found):8.1f}"
            for name, found in self.recoveries_s.items()
        ]
        missing = [f"{name:28} not possible here" for name in sorted(self.impossible)]
        return "\n".join([f"{'fault':28} {'n':>4} {'median s':>8} {'most s':>8}", *rows, *missing])


@pytest.fixture
def tiny_clip(tmp_path: Path) -> bytes:
    """A face that smiles, in 8 small frames."""
    frames = list(islice(demo_frames(), EVENT.stop))[EVENT]
    small = (
        cv2.resize(frame[FACE], (SIZE, SIZE), interpolation=cv2.INTER_AREA) for frame in frames
    )
    write_clip(tmp_path / "tiny.mp4", small, Fraction(30))
    return (tmp_path / "tiny.mp4").read_bytes()


@pytest.fixture
def site(tmp_path: Path, eventually: Callable[..., None]) -> Iterator[Site]:
    with Site(tmp_path / "site") as running:
        eventually(running.is_ready, timeout_s=90.0, pause_s=0.1)
        yield running


@pytest.fixture
def chaos(site: Site, tiny_clip: bytes, eventually: Callable[..., None]) -> Iterator[Chaos]:
    crowd = Crowd(site.url, tiny_clip, JOBS, AT_ONCE)
    crowd.start()
    yield Chaos(site, crowd, random.Random(SEED), eventually)
    crowd.stop()


def test_every_job_ends_once_and_well_whatever_fails(
    chaos: Chaos, capsys: pytest.CaptureFixture[str]
) -> None:
    started_s = time.monotonic()
    toll = Toll()
    for name in _drawn(chaos, started_s):
        _strike(chaos, name, toll)
    is_complete = chaos.crowd.join(started_s + MOST_S - ENDING_S, started_s + MOST_S)
    spent_s = time.monotonic() - started_s

    with capsys.disabled():
        print(f"\n{chaos.crowd.done} of {JOBS} jobs in {spent_s:.0f} s, seed {SEED}")  # noqa: T201
        print(toll.table())  # noqa: T201
        print(f"answers to uploads: {chaos.crowd.answers}")  # noqa: T201
    assert not chaos.crowd.wrongs, "\n".join(chaos.crowd.wrongs)
    assert is_complete
    _check_jobs(chaos)
    job_ids = {str(each.job_id) for each in chaos.crowd.sent.values()}
    chaos.in_time(lambda: not _residue(chaos.site, job_ids), 60.0)
    assert _residue(chaos.site, job_ids) == {}
    if JOBS >= FULL_SIZE:
        assert max(toll.recoveries_s["worker_killed"]) <= WORKER_DEATH_S
    assert chaos.crowd.done == JOBS, "no fault was found, but this machine was too slow for all"


def _drawn(chaos: Chaos, started_s: float) -> Iterator[str]:
    """Faults in an order of chance, all of them before any comes again, while there are callers."""
    if CHOSEN:
        yield from CHOSEN
        return
    while True:
        deck = list(FAULTS)
        chaos.chance.shuffle(deck)
        for name in deck:
            is_over = time.monotonic() - started_s > FAULTS_S
            if is_over or chaos.crowd.done >= JOBS - 2 * AT_ONCE:
                return
            yield name


def _strike(chaos: Chaos, name: str, toll: Toll) -> None:
    """One fault, and the wait until a clip sent after it has its result."""
    if not FAULTS[name](chaos):
        toll.impossible.add(name)
        return
    over_s = time.monotonic()
    if name == "worker_killed":
        _await_successor(chaos, toll)
    elif chaos.crowd.send_one() is None:
        return
    else:
        toll.recoveries_s[name].append(time.monotonic() - over_s)
    toll.impossible.discard(name)


def _await_successor(chaos: Chaos, toll: Toll) -> None:
    """Until the job of the worker killed last has its result."""
    job_id, killed_s = chaos.killed.popitem()

    def has_ended() -> bool:
        return any(
            sent.job_id == job_id and sent.status is JobState.SUCCEEDED
            for sent in list(chaos.crowd.sent.values())
        )

    chaos.eventually(has_ended, timeout_s=2 * WORKER_DEATH_S)
    toll.recoveries_s["worker_killed"].append(time.monotonic() - killed_s)


def _check_jobs(chaos: Chaos) -> None:
    """One job for each clip, one end and one result for each job."""
    sent = chaos.crowd.sent.values()
    job_ids = {each.job_id for each in sent}
    assert len(sent) == len(job_ids)
    assert {each.status for each in sent} == {JobState.SUCCEEDED}
    jobs = chaos.site.redis.zrange("madv:jobs:local", 0, -1)
    assert {job.decode() for job in jobs} == job_ids
    assert {f"{job_id}.json" for job_id in job_ids} <= set(chaos.site.files("results"))
    for job_id in job_ids:
        told = chaos.site.redis.xrange(events_key(str(job_id)))
        ends = [fields[b"data"] for _, fields in told if b'"succeeded"' in fields[b"data"]]
        assert len(ends) == 1, told


def _residue(site: Site, job_ids: AbstractSet[str]) -> dict[str, object]:
    """What should not be left once all jobs have ended, beside the results of these.

    What an upload left that was cut off goes when its time is up.
    """
    results = {f"{job_id}.json" for job_id in job_ids}
    left: dict[str, object] = {
        "files": [*site.files("clips"), *(set(site.files("results")) - results)],
        "queue": [key.decode() for key in site.redis.scan_iter("rq:job:*")],
        "queued": site.redis.llen("rq:queue:madv"),
        "taken": site.redis.llen("rq:queue:madv:intermediate"),
        "held": site.redis.zcard("rq:wip:madv"),
        "active": [job_id.decode() for job_id in site.redis.smembers("madv:active:local")],
        "uploads": site.redis.zcard("madv:reservations"),
    }
    return {name: found for name, found in left.items() if found}
