"""Sends hostile files to a running stack and tells what became of each, and of the stack."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from cases import Case
from expected import expected

from service.embedded.stack import EmbeddedStack

ABREAST = 6
_WAIT_S = 20
_TIMEOUT_S = 60.0
_TERMINAL = {"succeeded", "failed", "canceled", "expired"}
_DECODER = b"worker.video.child"


@dataclass(frozen=True)
class Verdict:
    """What became of a case."""

    name: str
    code: str
    """`succeeded`, or the code of the problem."""
    took_s: float

    @property
    def is_expected(self) -> bool:
        """Whether the table says so."""
        return self.code in expected(self.name)


def attack(url: str, cases: Iterable[Case]) -> Iterator[Verdict]:
    """The verdicts on all cases, several at a time. Files are made here, one after the other."""
    with (
        httpx.Client(base_url=url, timeout=_TIMEOUT_S) as http,
        ThreadPoolExecutor(ABREAST) as pool,
    ):
        awaited: deque[Future[Verdict]] = deque()
        for case in cases:
            awaited.append(pool.submit(_verdict, http, case, case.make()))
            if len(awaited) > ABREAST:
                yield awaited.popleft().result()
        for verdict in awaited:
            yield verdict.result()


def _verdict(http: httpx.Client, case: Case, content: bytes) -> Verdict:
    start_s = time.monotonic()
    code = _code(http, case, content)
    return Verdict(case.name, code, time.monotonic() - start_s)


def _code(http: httpx.Client, case: Case, content: bytes) -> str:
    options = {"deduplicate": False} | ({} if case.fps is None else {"fps": case.fps})
    answer = http.post(
        "/v1/recognize",
        data={"options": json.dumps(options)},
        files={"file": (case.filename, content)},
    )
    if answer.status_code != httpx.codes.ACCEPTED:
        return _told(answer)
    job = answer.json()
    while job["status"] not in _TERMINAL:
        answer = http.get(f"/v1/jobs/{job['id']}", params={"wait": _WAIT_S})
        if not answer.is_success:
            return _told(answer)
        job = answer.json()
    return str(job["error"]["code"] if job["status"] == "failed" else job["status"])


def _told(answer: httpx.Response) -> str:
    """The code of a problem; what is no problem of the caller's is told apart."""
    if answer.is_server_error:
        return f"http {answer.status_code}"
    return str(answer.json()["code"])


@dataclass(frozen=True)
class Surroundings:
    """What must be the same after as it was before."""

    pids: dict[str, int]
    decoders: frozenset[int]
    """Processes that decode; there should be none."""
    left_over: frozenset[str]
    """Temporary files, and clips in the store."""


def surroundings(stack: EmbeddedStack) -> Surroundings:
    """As they are now."""
    temporary = Path(stack.config.settings["TMPDIR"])
    blobs = stack.wiring.data_dir / "blobs"
    folders = (temporary, blobs / "clips")
    files = {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}
    return Surroundings(dict(stack.pids), decoders(stack.pids.values()), frozenset(files))


def decoders(ancestors: Iterable[int]) -> frozenset[int]:
    """Processes that decode, below some others."""
    return frozenset(pid for above in ancestors for pid in _below(above) if _is_decoder(pid))


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            yield int(child)
            yield from _below(int(child))


def _is_decoder(pid: int) -> bool:
    return _DECODER in _read(Path(f"/proc/{pid}/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return b""
