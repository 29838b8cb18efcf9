"""What a worker makes sure of before it takes anybody's clip."""

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import pytest

from worker.__main__ import EXIT_DECODER_UNFIT
from worker.errors import DecoderUnfit
from worker.video.check import OLDEST_FFMPEG, check_decoder, is_too_old
from worker.video.limits import DecodeLimits

LOCKS = Path(__file__).parents[2] / "docker" / "locks"


def test_the_decoder_here_is_new_enough_and_works() -> None:
    assert check_decoder(DecodeLimits()) == av.ffmpeg_version_info


@pytest.mark.parametrize(
    ("version", "is_old"),
    [
        ("8.1.2", False),
        ("n8.1.2-12-gabcdef", False),
        ("8.2", False),
        ("10.0.1", False),
        ("8.1.1", True),
        ("8.1", True),
        ("7.1.9", True),
        ("N-118000-gabcdef", True),
        ("", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, is_old: bool) -> None:  # noqa: FBT001  # a table
    assert is_too_old(version) is is_old


def test_a_machine_that_cannot_decode_is_unfit() -> None:
    with pytest.raises(DecoderUnfit, match="does not decode"):
        check_decoder(DecodeLimits(timeout_s=1e-6))


def test_no_worker_starts_on_such_a_machine(tmp_path: Path) -> None:
    settings = {"MADV_BLOB_URL": tmp_path.as_uri(), "MADV_DECODE_TIMEOUT_S": "0.000001"}
    started = subprocess.run(
        [sys.executable, "-m", "worker", "run"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == EXIT_DECODER_UNFIT
    assert "cannot be decoded safely" in started.stderr


@pytest.mark.parametrize("lock", ["worker.txt", "training.txt"])
def test_images_carry_the_decoder_that_was_tested(lock: str) -> None:
    assert OLDEST_FFMPEG >= (8, 1, 2)
    pinned = re.search(r"^av==(\S+)", (LOCKS / lock).read_text(), re.MULTILINE)
    assert pinned is not None
    assert pinned[1] == av.__version__
