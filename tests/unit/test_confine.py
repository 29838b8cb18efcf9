"""What a process that decodes can do no more, tried from inside; and what it is never given."""

import errno
import os
import resource
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from worker.codes import ErrorCode
from worker.errors import ClipError
from worker.video.allowed import DECODERS
from worker.video.child import Order
from worker.video.confine import filter_program
from worker.video.decode import decode
from worker.video.decoder import Decoder
from worker.video.encode import Encoding, write_clip
from worker.video.limits import DecodeLimits
from worker.video.messages import Opened
from worker.video.reader import open_reader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")

LIMITS = DecodeLimits(max_decoder_bytes=1 << 28, timeout_s=1.0)
SCRIPT = """
import sys
from base64 import b64decode
from worker.video.confine import confine
from worker.video.limits import DecodeLimits
{before}
confine(DecodeLimits(max_decoder_bytes=1 << 28, timeout_s=1.0), b64decode(sys.argv[1]))
try:
    {attempt}
except OSError as error:
    sys.exit(error.errno)
except MemoryError:
    sys.exit(100)
"""
REFUSED = {
    "open a file": ("", "open('/etc/passwd')"),
    "write a file": ("", "open('confined', 'w')"),
    "start a process": ("import os", "os.fork()"),
    "start a thread": ("import _thread", "_thread.start_new_thread(print, ())"),
    "signal its parent": ("import os", "os.kill(os.getppid(), 9)"),
    "take memory to execute": ("import mmap", "mmap.mmap(-1, 4096, prot=7)"),
    "list a folder": ("import os", "os.listdir('/')"),
    "become somebody else": ("import os", "os.setuid(1)"),
    "raise its limits": ("import resource as r", "r.prlimit(0, r.RLIMIT_FSIZE, (1, 1))"),
    "limit its parent": (
        "import os, resource as r",
        "r.prlimit(os.getppid(), r.RLIMIT_CPU, (1, 1))",
    ),
    "have its parent signalled": (
        "import fcntl, os",
        "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    ),
    "take priority": ("import os", "os.sched_setscheduler(0, 1, os.sched_param(1))"),
}
FATAL = {
    "a socket": ("import socket", "socket.socket()"),
    "a datagram": ("import socket", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"),
    "a local socket": ("import socket", "socket.socket(socket.AF_UNIX)"),
    "another program": ("import os", "os.execv('/bin/true', ['true'])"),
    "a file in memory": ("import os", "os.memfd_create('x')"),
}


def attempt(before: str, attempt: str, program: bytes | None = None) -> int:
    """Exit code of a confined process that tries something."""
    program = filter_program() if program is None else program
    order = Order(os.getpid(), "", None, LIMITS, program).dump()
    encoded = order.split('"filter_program": "')[1].split('"')[0]
    script = SCRIPT.format(before=before, attempt=attempt)
    return subprocess.run(
        [sys.executable, "-c", script, encoded], check=False, stderr=subprocess.DEVNULL
    ).returncode


@pytest.mark.parametrize("what", REFUSED)
def test_a_confined_process_cannot(what: str) -> None:
    assert filter_program()
    # Python's own error of a thread that does not start is no OSError.
    assert attempt(*REFUSED[what]) in ({1} if "thread" in what else {errno.EPERM})


@pytest.mark.parametrize("what", FATAL)
def test_a_confined_process_dies_of_wanting(what: str) -> None:
    assert attempt(*FATAL[what]) == -signal.SIGSYS


def test_memory_files_and_processor_are_limited_without_a_filter_too(tmp_path: Path) -> None:
    assert attempt("", "bytearray(1 << 29)", b"") == 100
    write = f"open('{tmp_path}/file', 'w').write('x' * 9000)"
    assert attempt("", write, b"") == errno.EFBIG
    assert attempt("", "sum(iter(int, 1))", b"") == -signal.SIGXCPU


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    """More pixels than the pipe holds: its decoder waits to be listened to."""
    path = tmp_path / "long.mp4"
    noise = np.random.default_rng(2).integers(0, 255, (4, 480, 640, 3), dtype=np.uint8)
    write_clip(path, [image for image in noise for _ in range(4)], Fraction(25))
    return path


def test_a_decoder_knows_no_secret_and_has_nothing_open(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "MADV_REDIS_URL": "redis://:hunter2@db",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "MADV_BLOB_URL": "s3://bucket",
        "PYTHONSTARTUP": "/etc/passwd",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with long_clip.open("rb") as stored, Decoder(stored, "mov", None, DecodeLimits()) as decoder:
        opened, _ = next(decoder.messages())
        process = Path(f"/proc/{decoder.pid}")
        environment = (process / "environ").read_bytes()
        command = (process / "cmdline").read_bytes()
        files = {str(file.readlink()) for file in (process / "fd").iterdir()}
        status = (process / "status").read_text().split("\n")
        limits = resource.prlimit(decoder.pid, resource.RLIMIT_CORE)

    assert isinstance(opened, Opened)
    assert {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry} <= {
        b"PYTHONPATH",
        b"LD_LIBRARY_PATH",
        b"LC_CTYPE",  # Python sets it itself
    }
    assert not any(value.encode() in environment + command for value in secrets.values())
    assert {Path(file).name.partition(":")[0] for file in files} == {"long.mp4", "pipe", "null"}
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert limits == (0, 0)


def test_a_decoder_is_gone_once_nobody_listens(long_clip: Path) -> None:
    with long_clip.open("rb") as stored, Decoder(stored, "mov", None, DecodeLimits()) as decoder:
        next(decoder.messages())
        pid = decoder.pid
    assert not Path(f"/proc/{pid}").exists()


def test_the_decoder_loads_neither_arrays_nor_schemas() -> None:
    script = "import worker.video.child, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"numpy", "pydantic", "cv2", "redis", "obstore"} & set(loaded)


def test_ffmpeg_itself_opens_no_other_decoder(tmp_path: Path) -> None:
    """Not even to look what a stream is: `avformat_find_stream_info` would."""
    import av.logging  # noqa: PLC0415  # as few as possible in this process

    path = tmp_path / "clip.mkv"
    write_clip(path, np.zeros((3, 64, 64, 3), np.uint8), Fraction(25), Encoding("ffv1"))
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with (
            av.logging.Capture() as logs,
            path.open("rb") as stored,
            pytest.raises(ClipError) as refused,
            open_reader(stored, "matroska", DecodeLimits()),
        ):
            pass
    finally:
        av.logging.set_level(level)
    assert refused.value.code is ErrorCode.UNSUPPORTED_CODEC
    assert any("Codec (ffv1) not on whitelist" in message for _, _, message in logs)
    assert "ffv1" not in DECODERS


def test_a_decoder_that_is_killed_is_the_clips_failure(long_clip: Path) -> None:
    with long_clip.open("rb") as stored, Decoder(stored, "mov", None, DecodeLimits()) as decoder:
        messages = decoder.messages()
        next(messages)
        os.kill(decoder.pid, signal.SIGSEGV)
        with pytest.raises(ClipError, match="SIGSEGV") as failed:
            list(messages)
    assert failed.value.code is ErrorCode.DAMAGED_VIDEO


def test_memory_of_the_decoder_is_limited(long_clip: Path) -> None:
    with pytest.raises(ClipError) as failed:
        decode(long_clip, DecodeLimits(max_decoder_bytes=1 << 16))
    assert failed.value.code in {ErrorCode.TOO_MANY_PIXELS, ErrorCode.DAMAGED_VIDEO}
