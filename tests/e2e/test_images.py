"""Each image's install steps, replayed, and what they made, started without privileges."""

import platform
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes.util import find_library
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from redis import Redis
from replay import REPOSITORY, Image, image_builder

from service.client import MadvClient
from service.embedded.ports import free_ports
from service.embedded.processes import Child, Command
from service.embedded.redis import find_redis, send
from service.embedded.triton import TritonUnavailable, find_triton, triton_command
from service.embedded.wiring import Wiring
from worker.contract import JobState

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ARRAYS_VIDEO_MODELS = {"numpy", "cv2", "av", "matplotlib", "onnxruntime", "tritonclient", "torch"}
FOR_INSTALLING = {"pip", "setuptools"}
SECCOMP = REPOSITORY / "docker/worker/seccomp.json"
OF_TORCH = re.compile(r"^(torch|triton|nvidia-\S+|cuda-\S+)==.*(\n    .*)*\n", re.MULTILINE)


@pytest.fixture(scope="module")
def build() -> Iterator[Callable[..., Image]]:
    with image_builder() as building:
        yield building


@pytest.fixture(scope="module")
def gateway_image(build: Callable[..., Image]) -> Image:
    return build("gateway")


@pytest.fixture(scope="module")
def worker_image(build: Callable[..., Image]) -> Image:
    return build("worker")


@pytest.fixture(scope="module")
def models(build: Callable[..., Image]) -> Path:
    """The repository in the CPU image of Triton."""
    return build("triton", stage="models-cpu").root / "src/model_repo"


def test_gateway_holds_no_arrays_video_or_models(gateway_image: Image) -> None:
    assert gateway_image.packages().isdisjoint(ARRAYS_VIDEO_MODELS | FOR_INSTALLING | {"training"})
    (worker,) = gateway_image.root.glob("opt/madv/lib/python3*/site-packages/worker")
    parts = {part.name for part in worker.iterdir()} - {"__pycache__"}
    assert parts == {
        "__init__.py",
        "codes.py",
        "contract.py",
        "explanation.py",
        "py.typed",
        "strict.py",
        "telemetry",
    }


def test_gateway_holds_the_page_and_not_what_it_is_made_of(gateway_image: Image) -> None:
    (page,) = gateway_image.root.glob("opt/madv/lib/python3*/site-packages/service/web")
    assert [part.name for part in page.iterdir()] == ["dist"]
    assert {part.suffix for part in (page / "dist/assets").iterdir()} == {".css", ".js"}
    assert (page / "dist/index.html").exists()
    assert (page / "dist/gallery/index.json").exists()


def test_worker_holds_neither_gateway_nor_training(worker_image: Image) -> None:
    unwanted = {"service", "training", "fastapi", "torch", "onnxruntime"} | FOR_INSTALLING
    assert worker_image.packages().isdisjoint(unwanted)


def test_nothing_but_folders_of_data_can_be_written(gateway_image: Image) -> None:
    program = (
        "import os, sys; from pathlib import Path; "
        "print([bool(os.access(d, os.W_OK)) for d in (sys.prefix, '/data/blobs', '/tmp')])"
    )
    done = gateway_image.run(["python", "-c", program])
    assert done.stdout.strip() == "[False, True, True]"


@pytest.mark.parametrize(
    ("attempt", "is_refused"),
    [
        ("call(39)", False),  # getpid
        ("call(56, 17, 0, 0, 0, 0)", False),  # clone: a fork
        ("call(56, 0x10000000 | 17, 0, 0, 0, 0)", True),  # the same in a new user namespace
        ("call(272, 0x10000000)", True),  # unshare, likewise
        ("call(101, 0, 0, 0, 0)", True),  # ptrace
        ("call(321, 0, 0, 0)", True),  # bpf
        ("call(425, 1, 0)", True),  # io_uring_setup
        ("call(250, 0, 0, 0, 0)", True),  # keyctl
        ("call(323, 0)", True),  # userfaultfd
        ("call(41, 2, 1, 0)", False),  # socket: TCP
        ("call(41, 17, 3, 0)", True),  # packets as they are on the wire
        ("call(41, 16, 3, 12)", True),  # netfilter
    ],
)
def test_the_workers_profile_lets_no_more_calls_through_than_it_needs(
    worker_image: Image, attempt: str, *, is_refused: bool
) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of these calls are x86-64's")
    program = (
        "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True)\n"
        "def call(*words): return libc.syscall(*map(ctypes.c_long, words))\n"
        f"done = {attempt}\n"
        "sys.exit(38 if done < 0 and ctypes.get_errno() == 38 else 0)"
    )
    done = worker_image.run(["python", "-c", program], before=confined())
    assert done.returncode == (38 if is_refused else 0), done.stderr


def test_models_of_the_cpu_image_say_that_they_run_on_cpus(models: Path) -> None:
    configs = {path.parent.name: path.read_text() for path in models.glob("*/config.pbtxt")}
    on_cpu = {name for name, config in configs.items() if "kind: KIND_CPU" in config}
    ensembles = {name for name, config in configs.items() if 'platform: "ensemble"' in config}
    assert on_cpu
    assert on_cpu == set(configs) - ensembles
    assert (models / "face/1/model.onnx").stat().st_size > 1_000_000


def test_training_starts(build: Callable[..., Image]) -> None:
    """Without its several gigabytes of torch and CUDA: that of the tests stands in."""
    image = build("training", edit=lambda lock: OF_TORCH.sub("", lock))
    (site,) = image.root.glob("opt/madv/lib/python3*/site-packages")
    torch = find_spec("torch")
    assert torch is not None
    assert torch.origin is not None
    site.chmod(0o755)
    for name in ("torch", "torchgen", "functorch"):
        (site / name).symlink_to(Path(torch.origin).parents[1] / name)
    done = image.run(["python", "-m", *image.command])
    assert done.returncode == 0, done.stderr
    assert "madvnet" in done.stdout


@dataclass
class Deployment:
    """Redis as in compose.yaml, Triton with the image's models, gateway and worker of theirs."""

    wiring: Wiring
    told: dict[str, str]
    gateway: Image
    worker: Image


@pytest.fixture(scope="module")
def deployment(
    gateway_image: Image,
    worker_image: Image,
    models: Path,
    tmp_path_factory: pytest.TempPathFactory,
    eventually: Callable[..., None],
) -> Iterator[Deployment]:
    try:
        triton = find_triton()
    except TritonUnavailable as unavailable:
        pytest.skip(f"workers of the image need a Triton: {unavailable}")
    folder = tmp_path_factory.mktemp("deployment")
    (folder / "logs").mkdir()
    wiring = Wiring.plan(folder, models, gateway_port=None, with_triton=True, settings={})
    wiring = replace(wiring, redis_password=secrets.token_hex(24))
    blobs = folder / "blobs"
    blobs.mkdir()
    told = {
        "MADV_REDIS_URL": wiring.redis_url,
        "MADV_BLOB_URL": blobs.as_uri(),
        "MADV_TRITON_URL": f"127.0.0.1:{wiring.triton_port}",
        "MADV_PORT": str(wiring.gateway_port),
        "MADV_HOST": "0.0.0.0",  # noqa: S104  # as in the image
    }
    commands = (
        _redis_command(wiring),
        triton_command(triton, wiring),
        _command("gateway", gateway_image, wiring, told),
        _command(
            "worker", worker_image, wiring, {**told, "MADV_STARTUP_TIMEOUT_S": "120"}, confined()
        ),
    )
    children = []
    try:
        children.append(Child(commands[0]))
        eventually(lambda: send(wiring, "PING") == b"+PONG")
        children += [Child(command) for command in commands[1:]]

        def is_ready() -> bool:
            for child in children:
                assert child.returncode is None, child.obituary()
            try:
                return httpx.get(f"{wiring.gateway_url}/v1/health/ready").is_success
            except httpx.TransportError:
                return False

        eventually(is_ready, timeout_s=180.0, pause_s=0.2)
        yield Deployment(wiring, told, gateway_image, worker_image)
    finally:
        for child in reversed(children):
            child.stop()


def test_a_job_passes_through_both_images(deployment: Deployment, short_clip: Path) -> None:
    make_key = "from service.cli import main; main()"
    words = ["python", "-c", make_key, "keys", "create", "--tenant", "lab", "--quiet"]
    made = deployment.gateway.run(words, deployment.told)
    assert made.returncode == 0, made.stderr
    with MadvClient(deployment.wiring.gateway_url, api_key=made.stdout.strip()) as client:
        job = client.submit(short_clip)
        assert client.wait(job.id, timeout_s=120.0).status is JobState.SUCCEEDED
        assert client.result(job.id).prediction is not None
        assert client.plot(job.id).startswith(b"\x89PNG")


def test_health_checks_tell_life_from_death(deployment: Deployment) -> None:
    (closed_port,) = free_ports(1)
    dead = {"MADV_PORT": str(closed_port), "MADV_REDIS_URL": f"redis://127.0.0.1:{closed_port}/0"}
    for image in (deployment.gateway, deployment.worker):
        alive = image.run(image.health, deployment.told)
        assert alive.returncode == 0, alive.stderr
        assert image.run(image.health, {**deployment.told, **dead}).returncode == 1


def test_redis_keeps_jobs_and_refuses_rather_than_forgets(deployment: Deployment) -> None:
    with Redis.from_url(deployment.wiring.redis_url, decode_responses=True) as redis:
        assert redis.config_get("appendonly") == {"appendonly": "yes"}
        assert redis.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def confined() -> tuple[str, ...]:
    """In front of a command: the worker's seccomp profile, as compose.yaml applies it."""
    if find_library("seccomp") is None:
        pytest.skip("libseccomp, by which Docker applies profiles, is not installed")
    return (sys.executable, str(Path(__file__).parents[1] / "images/confine.py"), str(SECCOMP))


def _command(
    name: str, image: Image, wiring: Wiring, told: dict[str, str], before: Sequence[str] = ()
) -> Command:
    own = image.environment(told)
    argv = [
        "env",
        "-i",
        f"--chdir={image.root / 'tmp'}",
        *(f"{key}={value}" for key, value in own.items()),
    ]
    return Command(
        name, [*argv, *image.argv(image.command, before)], wiring.log(name), grace_s=20.0
    )


def _redis_command(wiring: Wiring) -> Command:
    """The configuration of compose.yaml; only folder, port and password are others."""
    text = (REPOSITORY / "docker/redis/redis.conf").read_text(encoding="utf-8")
    text = text.replace("dir /data", f"dir {wiring.data_dir}").replace(
        "port 6379", f"port {wiring.redis_port}"
    )
    text += f"requirepass {wiring.redis_password}\n"
    argv = (str(find_redis().path), "-")
    return Command("redis", argv, wiring.log("redis"), stdin=text.encode())
