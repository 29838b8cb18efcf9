"""No connection is attempted while strangers' files are decoded.

In a network of their own the kernel counts every attempt, wherever it leads. The filter of system
calls is off: it would hide that somebody tried.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import references
from cases import Case
from corpus import corpus
from namespace import Noticed, call, canary, enter_new_network, noticed, why_no_network
from references import CANARY_PORT
from sources import Sources

from worker.errors import ClipError
from worker.process import call_in_child
from worker.video.child import Order
from worker.video.container import identify
from worker.video.limits import DecodeLimits

IS_FULL = os.environ.get("MADV_HOSTILE") == "full"
LIMITS = DecodeLimits(timeout_s=10.0)
DEMUXERS = ("mov", "matroska", "avi", "")
"""Files that refer to others get each, not theirs alone: as if their kind had been mistaken."""
PATIENCE_S = 3000.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts by network"),
]


@pytest.fixture(autouse=True, scope="module")
def _network_of_its_own() -> None:
    if reason := call_in_child(30.0, why_no_network):
        pytest.skip(f"no network of its own: {reason}")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, sources: Sources) -> list[tuple[Path, Case]]:
    """Of the corpus, written down."""
    folder = tmp_path_factory.mktemp("files")
    written = []
    for number, case in enumerate(_wanted(sources)):
        path = folder / str(number)
        path.write_bytes(case.make())
        written.append((path, case))
    return written


def test_nobody_calls_the_canary(files: list[tuple[Path, Case]]) -> None:
    before, decoded, after = call_in_child(PATIENCE_S, _decode_in_new_network, files)
    assert decoded >= len(files)
    assert after == before


def test_a_call_is_noticed() -> None:
    before, after = call_in_child(30.0, _call_in_new_network)
    assert after.callers == 1
    for counter in ("Tcp.ActiveOpens", "Ip.OutRequests", "Ip.OutNoRoutes"):
        assert after.counters[counter] > before.counters[counter]


def _wanted(sources: Sources) -> Iterator[Case]:
    """All, or those that lead elsewhere: of playlists, which differ by their words alone, some."""
    if IS_FULL:
        yield from corpus(sources)
        return
    for case in references.cases(sources):
        if "playlist" not in case.family or "hls" in case.name:
            yield case


def _decode_in_new_network(files: Sequence[tuple[Path, Case]]) -> tuple[Noticed, int, Noticed]:
    enter_new_network()
    with canary(CANARY_PORT) as server:
        before = noticed(server)
        decoded = sum(_decode(path, case) for path, case in files)
        return before, decoded, noticed(server)


def _decode(path: Path, case: Case) -> int:
    """How often it was decoded."""
    demuxers = _demuxers(path, case)
    for demuxer in demuxers:
        order = Order(os.getpid(), demuxer, case.fps or 25.0, LIMITS, filter_program=b"")
        with path.open("rb") as stored:
            subprocess.run(
                [sys.executable, "-m", "worker.video.child", order.dump()],
                stdin=stored,
                stdout=subprocess.DEVNULL,
                check=False,
            )
    return len(demuxers)


def _demuxers(path: Path, case: Case) -> Sequence[str]:
    if case.family == "reference":
        return DEMUXERS
    try:
        return (identify(path, LIMITS.max_bytes).demuxer,)
    except ClipError:
        return ("mov",)


def _call_in_new_network() -> tuple[Noticed, Noticed]:
    enter_new_network()
    with canary(CANARY_PORT) as server:
        before = noticed(server)
        call(CANARY_PORT)
        return before, noticed(server)
