"""Two gateways, three workers, a Triton, a Redis and an S3 store, each on a host of its own."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from network import Host, NoNamespaces, network
from redis import Redis
from rq.serializers import JSONSerializer
from rq.worker import Worker

from service.client import MadvClient
from service.embedded.backend import default_model_repo
from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis
from service.embedded.triton import (
    TritonUnavailable,
    find_triton,
    sweep_shared_memory,
    triton_command,
)
from service.embedded.wiring import Wiring
from service.schemas import RecognizeOptions
from service.store.accounts import KeyRequest, open_accounts
from worker.contract import JobState

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
CLIPS = int(os.environ.get("MADV_TEST_HOSTS_CLIPS", "24"))
"""200 are asked of a release; fewer show the same where every change is tested."""
GATEWAYS = ("gateway-0", "gateway-1")
WORKERS = ("worker-0", "worker-1", "worker-2")
REDIS_CONFIGURATION = Path(__file__).parents[2] / "docker/redis/redis.conf"
BUCKET_URL = "s3://clips/madv"

Eventually = Callable[..., None]


@dataclass
class Site:
    """Who runs where."""

    hosts: dict[str, Host]
    children: dict[str, Child]
    redis_url: str

    def url(self, gateway: str) -> str:
        return f"http://{self.hosts[gateway].address}:8000"

    def work_of(self, worker: str) -> list[str | None]:
        """The job this worker holds or None, as far as Redis knows; nothing where it is gone."""
        with Redis.from_url(self.redis_url) as redis:
            return [
                known.get_current_job_id()
                for known in Worker.all(connection=redis, serializer=JSONSerializer)
                if known.pid == self.children[worker].pid
            ]


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    try:
        with network(("redis", "store", "triton", *GATEWAYS, *WORKERS)) as made:
            yield made
    except NoNamespaces as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def site(
    hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "logs").mkdir()
    password = secrets.token_hex(24)
    redis_url = f"redis://:{password}@{hosts['redis'].address}:6379/0"
    told = {
        "MADV_REDIS_URL": redis_url,
        "MADV_TRITON_URL": f"{hosts['triton'].address}:8001",
        "MADV_STARTUP_TIMEOUT_S": "120",
        **_store_access(hosts["store"]),
    }
    with ExitStack() as running:
        site = Site(hosts, {}, redis_url)
        running.callback(sweep_shared_memory, folder)
        running.callback(_stop, site.children)

        def start(name: str, command: Command) -> None:
            site.children[name] = Child(hosts[name].runs(command))

        start("redis", _redis(folder, password))
        start("store", _python(folder, "store", "moto.server", "-H", "0.0.0.0", "-p", "5000"))  # noqa: S104
        start("triton", _triton(folder))
        eventually(lambda: _has_bucket(told["AWS_ENDPOINT_URL"]), timeout_s=120.0)
        for name in GATEWAYS:
            own = {"MADV_HOST": hosts[name].address, "MADV_PORT": "8000"}
            start(name, replace(_python(folder, name, "service"), env={**told, **own}))
        for name in WORKERS:
            start(name, replace(_python(folder, name, "worker", "run"), env=told))
        for name in GATEWAYS:
            eventually(lambda name=name: _is_ready(site, name), timeout_s=180.0, pause_s=0.2)
        yield site


@pytest.fixture
def clients(site: Site) -> Iterator[list[MadvClient]]:
    """One of each gateway, for the same tenant."""
    with ExitStack() as opened:
        key = asyncio.run(_key(site.redis_url))
        yield [opened.enter_context(MadvClient(site.url(name), key)) for name in GATEWAYS]


def test_all_clips_succeed_although_a_worker_is_cut_off(
    site: Site, clients: list[MadvClient], short_clip: Path, eventually: Eventually
) -> None:
    options = RecognizeOptions(deduplicate=False)
    jobs = [clients[number % 2].submit(short_clip, options).id for number in range(CLIPS)]
    pending = set(jobs)

    def ended(limit: int) -> bool:
        for job_id in list(pending):
            status = clients[0].job(job_id).status
            assert status not in {JobState.FAILED, JobState.CANCELED, JobState.EXPIRED}
            if status is JobState.SUCCEEDED:
                pending.discard(job_id)
        return len(pending) <= limit

    eventually(lambda: ended(CLIPS * 2 // 3), timeout_s=60.0 + 2 * CLIPS, pause_s=0.1)
    lost = cut_off_at_work(site, "worker-1", eventually)
    assert lost in pending
    eventually(lambda: ended(0), timeout_s=120.0 + 3 * CLIPS, pause_s=0.2)
    assert site.work_of("worker-1") in ([lost], [])  # it could not tell anybody anything
    for number, job_id in enumerate(jobs):
        other = clients[(number + 1) % 2]  # than the gateway it was given to
        assert other.result(job_id).job_id == job_id
    # Who loses Redis ends in time, to be started anew.
    stayed = {name for name, child in site.children.items() if child.returncode is None}
    assert stayed >= site.children.keys() - {"worker-1"}


def cut_off_at_work(site: Site, worker: str, eventually: Eventually) -> str:
    """Cut a worker's host off while it holds a job, whose id is returned."""
    host, held = site.hosts[worker], ""

    def is_cut_off_at_work() -> bool:
        nonlocal held
        host.cut_off()
        # Of a caller: gateways ask for a proven inference now and then.
        held = next((job for job in site.work_of(worker) if job and job.startswith("job_")), "")
        if not held:
            host.reconnect()
        return bool(held)

    eventually(is_cut_off_at_work)
    return held


def _stop(children: dict[str, Child]) -> None:
    for child in children.values():
        child.ask_to_stop()
    for child in children.values():
        child.stop()


def _store_access(store: Host) -> dict[str, str]:
    return {
        "MADV_BLOB_URL": BUCKET_URL,
        "AWS_ENDPOINT_URL": f"http://{store.address}:5000",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


def _redis(folder: Path, password: str) -> Command:
    """The configuration of compose.yaml; only folder and password are others."""
    text = REDIS_CONFIGURATION.read_text(encoding="utf-8").replace("dir /data", f"dir {folder}")
    text += f"requirepass {password}\n"
    argv = (str(find_redis().path), "-")
    return Command("redis", argv, folder / "logs/redis.log", stdin=text.encode())


def _triton(folder: Path) -> Command:
    try:
        install = find_triton()
    except TritonUnavailable as unavailable:
        pytest.skip(f"a Triton is needed: {unavailable}")
    wiring = Wiring.plan(
        folder, default_model_repo(), gateway_port=None, with_triton=True, settings={}
    )
    command = triton_command(install, replace(wiring, triton_port=8001))
    everywhere = [
        "--grpc-address=0.0.0.0" if word.startswith("--grpc-address=") else word
        for word in command.argv
    ]
    return replace(command, argv=everywhere)


def _python(folder: Path, name: str, *module: str) -> Command:
    return Command(name, (sys.executable, "-m", *module), folder / f"logs/{name}.log", grace_s=1.0)


def _has_bucket(url: str) -> bool:
    try:
        return httpx.put(f"{url}/clips", timeout=10.0).is_success
    except httpx.TransportError:
        return False


def _is_ready(site: Site, gateway: str) -> bool:
    for child in site.children.values():
        assert child.returncode is None, child.obituary()
    try:
        return httpx.get(f"{site.url(gateway)}/v1/health/ready").is_success
    except httpx.TransportError:
        return False


async def _key(redis_url: str) -> str:
    async with open_accounts(redis_url, timeout_s=5.0) as accounts:
        return (await accounts.create(KeyRequest(tenant="lab")))[0]
