"""Of a clip nothing is left but what was asked for: looked for in every file, key and log."""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from redis import Redis

from service.client import MadvClient
from service.embedded.processes import Command
from service.embedded.stack import EmbeddedStack
from service.embedded.wiring import Wiring
from service.schemas import Job, RecognizeOptions
from worker.contract import JobState

pytestmark = pytest.mark.integration

PROBE_BYTES = 24
PROBES = 40
DIGESTS = ("md5", "sha1", "sha256", "sha512")


@dataclass(frozen=True)
class Marked:
    """A clip whose bytes, hashes and names are like no other's."""

    path: Path
    reference: str = field(default_factory=lambda: f"patient-{secrets.token_hex(8)}")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def bytes_of_it(self) -> list[bytes]:
        """Pieces from all over, which no other file holds."""
        content = self.path.read_bytes()
        step = max(1, (len(content) - PROBE_BYTES) // PROBES)
        pieces = [content[at : at + PROBE_BYTES] for at in range(0, len(content), step)]
        return [piece for piece in pieces if len(set(piece)) > PROBE_BYTES // 2]

    def hashes(self) -> list[bytes]:
        """As text and as they are; the one that results name is not among them."""
        digests = [hashlib.new(name, self.path.read_bytes()) for name in DIGESTS]
        raw = [digest.digest() for digest in digests]
        written = [digest.hexdigest().encode() for digest in digests if digest.name != "sha256"]
        return raw + written


@pytest.fixture
def marked(short_clip: Path, tmp_path: Path) -> Marked:
    """The least that is worth analysing, with a last box of random bytes."""
    path = tmp_path / f"{secrets.token_hex(6)}.mp4"
    tail = secrets.token_bytes(4096)
    path.write_bytes(short_clip.read_bytes() + (len(tail) + 8).to_bytes(4) + b"free" + tail)
    return Marked(path)


def held(folder: Path, *names: str) -> Iterator[tuple[Path, bytes]]:
    """Every file below some of a data folder's folders, with its content."""
    for name in names:
        for path in (folder / name).rglob("*"):
            if path.is_file():
                yield path, path.read_bytes()


def found_in(folder: Path, needles: list[bytes], *names: str) -> list[tuple[str, bytes]]:
    return [
        (path.name, needle)
        for path, content in held(folder, *names)
        for needle in needles
        if needle in content
    ]


def values_of(redis: Redis) -> bytes:
    """All keys and all they hold, as it is."""
    said = [b""]
    for key in redis.scan_iter():
        said.append(key)
        match redis.type(key):
            case b"string":
                said.append(redis.get(key) or b"")
            case b"hash":
                said.extend(word for pair in redis.hgetall(key).items() for word in pair)
            case b"list":
                said.extend(redis.lrange(key, 0, -1))
            case b"set":
                said.extend(redis.smembers(key))
            case b"zset":
                said.extend(redis.zrange(key, 0, -1))
            case b"stream":
                entries = redis.xrange(key)
                said.extend(word for _, pair in entries for each in pair.items() for word in each)
    return b"\n".join(said)


@pytest.mark.parametrize("is_kept", [False, True], ids=["by default", "kept on request"])
def test_no_byte_of_an_analysed_clip_is_left_unless_asked_for(
    client: MadvClient,
    stack: EmbeddedStack,
    marked: Marked,
    finished: Callable[[str], Job],
    *,
    is_kept: bool,
) -> None:
    job = client.submit(
        marked.path, RecognizeOptions(client_ref=marked.reference, store_input=is_kept)
    )
    assert finished(job.id).status is JobState.SUCCEEDED
    folder = stack.wiring.data_dir
    pieces = marked.bytes_of_it()
    assert len(pieces) > PROBES // 2

    assert bool(found_in(folder, pieces, "blobs")) == is_kept
    assert found_in(folder, pieces, "redis", "logs", "audit") == []
    assert found_in(folder, marked.hashes(), "blobs", "redis", "logs", "audit") == []
    told = [marked.sha256.encode(), marked.reference.encode(), marked.path.stem.encode()]
    assert found_in(folder, told, "logs", "audit") == []
    assert found_in(folder, told[2:], "blobs", "redis") == []

    client.delete(job.id)
    assert found_in(folder, [*pieces, *told], "blobs") == []
    with closing(Redis.from_url(stack.wiring.redis_url)) as redis:
        values = values_of(redis)
    assert [needle for needle in told if needle in values] == []


def test_a_clip_that_cannot_be_analysed_is_erased_too(
    client: MadvClient,
    stack: EmbeddedStack,
    tmp_path: Path,
    finished: Callable[[str], Job],
) -> None:
    broken = Marked(tmp_path / "broken.mp4")
    broken.path.write_bytes(b"\x00\x00\x00\x20ftypisom" + os.urandom(8192))
    job = client.submit(broken.path, RecognizeOptions(client_ref=broken.reference))
    assert finished(job.id).status is JobState.FAILED
    folder = stack.wiring.data_dir
    assert found_in(folder, broken.bytes_of_it(), "blobs", "redis", "logs", "audit") == []
    assert found_in(folder, [broken.reference.encode()], "logs", "audit", "blobs") == []


def test_what_was_deleted_leaves_the_append_only_file_too(
    wiring: Wiring,
    run_gateway: Callable[[Command], object],
    marked: Marked,
    eventually: Callable[..., None],
) -> None:
    """Redis notes every change: what was erased stands there until the file is written anew."""
    settings = {**wiring.settings, "MADV_COMPACT_INTERVAL_S": "0.5"}
    with run_gateway(replace(wiring, settings=settings).gateway()) as gateway:
        job = _sent(gateway.http, marked)
        told = [marked.sha256.encode(), marked.reference.encode()]
        eventually(lambda: len(found_in(wiring.data_dir, told, "redis")) >= len(told))
        assert gateway.http.delete(job["links"]["self"]).status_code == 204
        eventually(lambda: found_in(wiring.data_dir, told, "redis") == [])


def _sent(http: httpx.Client, clip: Marked) -> dict[str, dict[str, str]]:
    options = RecognizeOptions(client_ref=clip.reference).model_dump_json(exclude_unset=True)
    sent = http.post(
        "/v1/recognize",
        files={"file": (clip.path.name, clip.path.read_bytes())},
        data={"options": options},
    )
    assert sent.status_code == 202
    job: dict[str, dict[str, str]] = sent.json()
    return job
