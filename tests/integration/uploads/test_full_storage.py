"""A file system with no room left: a real one, of a few megabytes, which only the gateway sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.embedded.processes import Command
from service.embedded.wiring import Wiring

if TYPE_CHECKING:
    from tests.integration.uploads.conftest import Watched

pytestmark = pytest.mark.integration

KIB = 1024
MIB = 1024 * KIB
ROOM = 12 * MIB
SMALL = KIB
FULL_SCRATCH = """
for folder in /tmp /var/tmp /usr/tmp; do
    if [ -d "$folder" ]; then
        mount --rbind "$folder" "$folder"
        mount -o remount,bind,ro "$folder"
    fi
done
mount -t tmpfs -o size=64k tmpfs "$TMPDIR"
head -c 1M /dev/zero > "$TMPDIR/full" || true
mount -o remount,bind,ro "$TMPDIR"
cd "$TMPDIR"
"""
"""No folder Python knows for temporary files can be written to."""
Watch = Callable[[Command], "Watched"]
Confined = Callable[..., Command]
Eventually = Callable[..., None]


@pytest.fixture
def confined(wiring: Wiring, on_small_disk: Callable[..., Command], tmp_path: Path) -> Confined:
    """The gateway with its blobs on a small disk, its other mounts prepared by a script."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def command(preparation: str = "") -> Command:
        plain = wiring.gateway()
        rigged = replace(plain, env={**plain.env, "TMPDIR": str(scratch)})
        return on_small_disk(rigged, wiring.data_dir / "blobs", ROOM, preparation)

    return command


@pytest.mark.parametrize(
    ("left", "clip_bytes"), [(256 * KIB, 400 * KIB), (2 * MIB, 4 * MIB), (2 * MIB, 2 * ROOM)]
)
def test_a_clip_there_is_no_room_for_is_refused_and_leaves_nothing(
    confined: Confined,
    watch: Watch,
    eventually: Eventually,
    left: int,
    clip_bytes: int,
) -> None:
    gateway = watch(confined())
    kept = gateway.post(ROOM - left)
    assert kept.status_code == 202
    before = gateway.traces()
    assert len(before.blobs) == 1

    refused = gateway.post(clip_bytes)

    assert refused.status_code == 507
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["retryable"]) == ("storage-full", True)
    eventually(lambda: gateway.traces() == before)
    jobs = gateway.http.get("/v1/jobs").json()["data"]
    assert [job["id"] for job in jobs] == [kept.json()["id"]]
    assert gateway.post(SMALL).status_code == 202


def test_room_made_is_room_used(confined: Confined, watch: Watch) -> None:
    gateway = watch(confined())
    job = gateway.post(ROOM - 2 * MIB).json()
    assert gateway.post(4 * MIB).status_code == 507
    assert gateway.http.delete(job["links"]["self"]).status_code == 204
    assert gateway.post(4 * MIB).status_code == 202


def test_uploads_need_no_room_for_temporary_files(confined: Confined, watch: Watch) -> None:
    gateway = watch(confined(FULL_SCRATCH))
    assert gateway.post(4 * MIB).status_code == 202
