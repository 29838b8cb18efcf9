"""Clips and results in a store that speaks S3."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from service.blobs import OUTAGES, Blobs
from service.client import MadvClient
from service.embedded.backend import default_model_repo
from service.embedded.ports import free_ports
from service.embedded.processes import Child, Command
from service.embedded.wiring import Wiring
from worker.contract import JobState

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
BUCKET_URL = "s3://clips/madv"


@pytest.fixture(scope="module")
def s3_environment(
    tmp_path_factory: pytest.TempPathFactory, eventually: Callable[..., None]
) -> Iterator[dict[str, str]]:
    """What a process is told of a running store with an empty bucket `clips`; so is this one."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    child = Child(Command("s3", command, tmp_path_factory.mktemp("s3") / "s3.log"))

    def has_bucket() -> bool:
        assert child.returncode is None, child.obituary()
        try:
            return httpx.put(f"{url}/clips", timeout=10.0).is_success
        except httpx.TransportError:
            return False

    try:
        eventually(has_bucket, timeout_s=120.0)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            yield environment
    finally:
        child.stop()


@pytest.mark.anyio
async def test_blobs_live_as_in_a_folder(s3_environment: dict[str, str]) -> None:
    assert s3_environment
    blobs = Blobs(BUCKET_URL)
    large = bytes(range(256)) * (12 * MIB // 256)  # more than one part of an upload
    await blobs.check()
    await blobs.put("a/clip", _blocks(large))
    await blobs.put("a/small", _blocks(b"one block"))
    await blobs.write("a/result", b"{}")
    assert await blobs.read("a/clip") == large
    assert await blobs.read("a/small") == b"one block"
    assert await blobs.read("a/result") == b"{}"
    await blobs.delete("a/clip")
    await blobs.delete("a/clip")
    await blobs.delete("a/small")
    await blobs.delete("a/result")
    with pytest.raises(FileNotFoundError):
        await blobs.read("a/clip")


@pytest.mark.anyio
async def test_an_upload_that_breaks_off_leaves_nothing(s3_environment: dict[str, str]) -> None:
    assert s3_environment

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(6 * MIB)
        yield bytes(6 * MIB)
        raise ConnectionResetError

    blobs = Blobs(BUCKET_URL)
    with pytest.raises(ConnectionResetError):
        await blobs.put("clip", broken())
    with pytest.raises(FileNotFoundError):
        await blobs.read("clip")


@pytest.mark.anyio
async def test_a_bucket_that_is_not_there_is_an_outage(s3_environment: dict[str, str]) -> None:
    assert s3_environment
    blobs = Blobs("s3://nowhere/madv")
    with pytest.raises(OUTAGES):
        await blobs.write("clip", b"")
    with pytest.raises(OUTAGES):
        await blobs.check()


@pytest.mark.anyio
async def test_a_store_that_does_not_answer_is_an_outage(
    s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3_environment
    (closed_port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(OUTAGES):
        await Blobs(BUCKET_URL).check()


def test_a_job_runs_through_the_store(
    s3_environment: dict[str, str],
    wiring: Wiring,
    redis_server: Child,
    short_clip: Path,
    eventually: Callable[..., None],
) -> None:
    assert redis_server.returncode is None
    wiring = replace(wiring, model_repo=default_model_repo())
    told = {**s3_environment, "MADV_BLOB_URL": BUCKET_URL}
    commands = (wiring.gateway(), wiring.worker("worker", "run"))
    children = [Child(replace(command, env={**command.env, **told})) for command in commands]
    try:
        with MadvClient(wiring.gateway_url) as client:
            eventually(lambda: _is_ready(wiring, children), timeout_s=90.0)
            job = client.submit(short_clip)
            assert client.wait(job.id, timeout_s=90.0).status is JobState.SUCCEEDED
            assert client.result(job.id).job_id == job.id
            eventually(lambda: len(_keys(s3_environment)) == 1)  # the clip is gone
            client.delete(job.id)
            assert _keys(s3_environment) == []
    finally:
        for child in children:
            child.stop()
    assert not (wiring.data_dir / "blobs").exists()


def _is_ready(wiring: Wiring, children: list[Child]) -> bool:
    for child in children:
        assert child.returncode is None, child.obituary()
    try:
        return httpx.get(f"{wiring.gateway_url}/v1/health/ready").is_success
    except httpx.TransportError:
        return False


def _keys(environment: dict[str, str]) -> list[str]:
    listing = httpx.get(f"{environment['AWS_ENDPOINT_URL']}/clips?list-type=2").text
    return [part.partition("</Key>")[0] for part in listing.split("<Key>")[1:]]


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]
