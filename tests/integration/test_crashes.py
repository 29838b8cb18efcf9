import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack
from service.schemas import Job, RecognizeOptions
from worker.contract import JobState

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def running(client: MadvClient, demo_clip: Path, eventually: Callable[..., None]) -> Job:
    """A job a worker is working on."""
    job = client.submit(demo_clip, RecognizeOptions(deduplicate=False))
    eventually(lambda: client.job(job.id).status is JobState.PROCESSING)
    return job


def test_a_job_survives_its_worker(
    client: MadvClient, stack: EmbeddedStack, running: Job, eventually: Callable[..., None]
) -> None:
    before = stack.worker_pids
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not set(stack.worker_pids) & set(before))
    assert client.wait(running.id, timeout_s=60.0).status is JobState.SUCCEEDED
    assert client.result(running.id).job_id == running.id


def test_a_job_survives_the_process_it_runs_in(
    client: MadvClient,
    stack: EmbeddedStack,
    running: Job,
    descendants: Callable[[int], list[int]],
) -> None:
    before = stack.worker_pids
    horses = [child for pid in before for child in descendants(pid)]
    assert horses
    os.kill(horses[0], signal.SIGKILL)
    assert client.wait(running.id, timeout_s=60.0).status is JobState.SUCCEEDED
    assert stack.worker_pids == before
