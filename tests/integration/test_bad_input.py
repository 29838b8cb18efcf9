from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from service.client import MadvClient, Refused
from service.schemas import Job
from worker.contract import JobState
from worker.video.encode import write_clip

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def bad_clips(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ten files nobody can analyse, by what is wrong with them."""
    folder = tmp_path_factory.mktemp("bad")
    whole = demo_clip.read_bytes()
    noise = np.random.default_rng(1).bytes(4096)
    contents = {
        "empty": b"",
        "text": b"this is not a video, whatever its name says" * 10,
        "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + noise,
        "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "cut after 406 bytes": whole[:406],
        "cut in half": whole[: len(whole) // 2],
        "noise after an MP4 header": whole[:32] + noise,
        "noise after a Matroska header": b"\x1a\x45\xdf\xa3" + noise,
    }
    files = {}
    for name, content in contents.items():
        files[name] = folder / f"{name}.mp4"
        files[name].write_bytes(content)
    files["sound only"] = _write_sound(folder / "sound.mp4")
    files["no face"] = _write_gradient(folder / "gradient.mp4")
    return files


EXPECTED = {
    "empty": {"empty-file"},
    "text": {"not-a-video"},
    "picture": {"not-a-video"},
    "playlist": {"not-a-video"},
    # Where exactly a decoder gives up on these is its own affair.
    "cut after 406 bytes": {"damaged-video", "not-a-video", "no-video-stream", "no-frames"},
    "cut in half": {"damaged-video", "not-a-video", "no-frames"},
    "noise after an MP4 header": {"damaged-video", "not-a-video", "no-video-stream"},
    "noise after a Matroska header": {"damaged-video", "not-a-video", "no-video-stream"},
    "sound only": {"no-video-stream"},
    "no face": {"no-face"},
}


def test_ten_bad_files_give_ten_typed_errors_and_the_next_clip_succeeds(
    client: MadvClient,
    bad_clips: dict[str, Path],
    demo_clip: Path,
    finished: Callable[[str], Job],
) -> None:
    codes = {name: _code(client, path, finished) for name, path in bad_clips.items()}
    assert len(codes) == 10
    unexpected = {name: code for name, code in codes.items() if code not in EXPECTED[name]}
    assert unexpected == {}
    assert client.recognize(demo_clip, timeout_s=90.0).clip.frames > 0


def test_the_result_of_a_failed_job_is_its_failure_as_a_problem(
    client: MadvClient, bad_clips: dict[str, Path], finished: Callable[[str], Job]
) -> None:
    job = finished(client.submit(bad_clips["no face"]).id)
    assert job.status is JobState.FAILED
    with pytest.raises(Refused) as refusal:
        client.result(job.id)
    assert (refusal.value.problem.status, refusal.value.code) == (422, "no-face")
    assert job.error is not None
    assert refusal.value.problem.detail == job.error.detail


def _code(client: MadvClient, path: Path, finished: Callable[[str], Job]) -> str:
    try:
        error = finished(client.submit(path).id).error
    except Refused as refusal:
        return _told(refusal.code, refusal.problem.detail)
    assert error is not None
    return _told(error.code, error.detail)


def _told(code: str, detail: str) -> str:
    assert "Traceback" not in detail
    return code


def _write_sound(path: Path) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for start in range(0, 16000, 1024):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _write_gradient(path: Path) -> Path:
    ramp = np.broadcast_to(np.arange(160, dtype=np.uint8)[None, :, None], (120, 160, 3))
    write_clip(path, (np.roll(ramp, shift, axis=1) for shift in range(20)), Fraction(25))
    return path
