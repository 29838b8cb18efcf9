from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from worker.demo.clip import DEMO_EVENT, DURATION_S, FPS, PORTRAIT_LANDMARKS, write_demo_clip
from worker.domain import Clip, FloatArray
from worker.preprocess.align import crop, similarity
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU_MAX, AU_NAMES, LABELS
from worker.video.decode import decode
from worker.video.limits import DecodeLimits

NOISE_LEVELS = 2.0
"""Gray levels that sensor noise and compression may leave between two still frames, on average."""


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.mp4"
    write_demo_clip(path)
    return path


@pytest.fixture(scope="module")
def clip(clip_path: Path) -> Clip:
    return decode(clip_path, DecodeLimits())


@pytest.fixture(scope="module")
def aligned(clip: Clip) -> FloatArray:
    """Crops f32 [N, S, S] in gray levels."""
    alignment = similarity(np.array(PORTRAIT_LANDMARKS, dtype=np.float32), PREPROCESS)
    crops = np.stack([crop(image, alignment, PREPROCESS) for image in clip.images()])
    return crops.mean(axis=3, dtype=np.float32)


@pytest.fixture(scope="module")
def change(aligned: FloatArray) -> Callable[[float, float], FloatArray]:
    def between(earlier_s: float, later_s: float) -> FloatArray:
        first, second = (aligned[round(time_s * FPS)] for time_s in (earlier_s, later_s))
        return np.abs(second - first)

    return between


def test_clip_has_the_stated_frames_and_rate(clip: Clip) -> None:
    frames = list(clip.frames)
    assert len(frames) == round(DURATION_S * FPS)
    assert clip.nominal_fps == FPS
    assert np.allclose([frame.pts_s for frame in frames], np.arange(len(frames)) / FPS, atol=1e-3)
    assert all(frame.image is not None and frame.image.shape == (512, 512, 3) for frame in frames)


def test_clip_is_the_same_every_time(clip_path: Path, tmp_path: Path) -> None:
    write_demo_clip(tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == clip_path.read_bytes()


def test_mouth_and_cheeks_move_and_the_forehead_rests(
    change: Callable[[float, float], FloatArray],
) -> None:
    moved = change(DEMO_EVENT.onset_s, DEMO_EVENT.apex_s)
    mouth_and_cheeks = moved[55:90, 25:88]
    forehead, beside_the_neck = moved[:18, 25:88], moved[95:, :12]
    assert mouth_and_cheeks.mean() > 3 * NOISE_LEVELS
    assert forehead.mean() < NOISE_LEVELS
    assert beside_the_neck.mean() < NOISE_LEVELS


@pytest.mark.parametrize(
    ("earlier_s", "later_s"), [(0.0, DEMO_EVENT.onset_s), (0.0, DEMO_EVENT.offset_s), (1.0, 1.35)]
)
def test_face_rests_outside_the_event(
    earlier_s: float, later_s: float, change: Callable[[float, float], FloatArray]
) -> None:
    assert change(earlier_s, later_s).mean() < NOISE_LEVELS


def test_face_has_moved_most_at_the_apex(aligned: FloatArray) -> None:
    moved = np.abs(aligned - aligned[0]).mean(axis=(1, 2))
    assert abs(moved.argmax() / FPS - DEMO_EVENT.apex_s) < 0.05


def test_truth_is_in_the_terms_of_the_result() -> None:
    assert DEMO_EVENT.label in LABELS
    assert set(DEMO_EVENT.action_units) <= set(AU_NAMES)
    assert all(0 < intensity <= AU_MAX for intensity in DEMO_EVENT.action_units.values())
    assert 0 < DEMO_EVENT.onset_s < DEMO_EVENT.apex_s < DEMO_EVENT.offset_s < DURATION_S


@pytest.mark.parametrize(
    ("time_s", "share"), [(0.0, 0.0), (0.4, 0.0), (0.5, 0.5), (0.6, 1.0), (0.75, 0.5), (1.3, 0.0)]
)
def test_envelope(time_s: float, share: float) -> None:
    assert DEMO_EVENT.envelope(time_s) == pytest.approx(share, abs=1e-9)
