"""`python -m worker` on archives of frames, without any server."""

import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from worker.contract import AnalysisReport
from worker.video.decode import decode
from worker.video.limits import DecodeLimits

pytestmark = pytest.mark.integration

FPS = Fraction(60)


def worker(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "worker", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def archive(demo_clip: Path, tmp_path: Path) -> Path:
    """The frames of the demo clip as a data set would hold them."""
    path = tmp_path / "frames.zip"
    with zipfile.ZipFile(path, "w") as file:
        for frame in decode(demo_clip, DecodeLimits()).frames:
            assert frame.image is not None
            _, content = cv2.imencode(".bmp", frame.image[..., ::-1])
            file.writestr(f"sub01/img{frame.index + 1}.bmp", content.tobytes())
    return path


def test_frames_in_an_archive_give_the_numbers_of_their_video(
    archive: Path, demo_clip: Path, tmp_path: Path
) -> None:
    reports = []
    for number, arguments in enumerate(([demo_clip], [archive, "--fps", str(FPS)])):
        out = tmp_path / f"{number}.json"
        ran = worker("analyze", *arguments, "--json", out)
        assert ran.returncode == 0, ran.stderr
        reports.append(AnalysisReport.model_validate_json(out.read_text(encoding="utf-8")))
    video, frames = reports

    assert (frames.decode.container, frames.decode.codec) == ("zip", "bmp")
    assert frames.clip.frames == len(frames.action_units.frames) == video.clip.frames
    assert frames.clip.fps == FPS
    assert frames.prediction == video.prediction
    assert frames.events == video.events

    png = tmp_path / "plot.png"
    drawn = worker("plot", tmp_path / "1.json", archive, png, "--fps", str(FPS))
    assert drawn.returncode == 0, drawn.stderr
    assert png.read_bytes().startswith(b"\x89PNG")


def test_an_archive_without_a_rate_is_refused_in_words(archive: Path) -> None:
    ran = worker("analyze", archive)

    assert ran.returncode == 1
    assert "bad-archive" in ran.stderr
    assert "fps" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("fps", ["0", "-25", "nan", "inf"])
def test_a_rate_has_to_be_one(archive: Path, fps: str) -> None:
    assert worker("analyze", archive, "--fps", fps).returncode == 2
