"""Alignment, sampling and spotting on made-up data with a known answer."""

import cv2
import numpy as np
import pytest

from worker.domain import EventSpan, FloatArray, Image
from worker.preprocess.align import crop, similarity
from worker.preprocess.sampling import sample_indices
from worker.preprocess.spec import PREPROCESS
from worker.preprocess.spotting import spot
from worker.specs import AU_COUNT, AU_NAMES

SIZE = PREPROCESS.crop_size
TEMPLATE = np.array(PREPROCESS.template, np.float32)


def placed(scale: float, degrees: float, shift: tuple[float, float]) -> FloatArray:
    """The template's landmarks turned, scaled and shifted into a frame."""
    turn = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (TEMPLATE @ matrix.T + shift).astype(np.float32)


def dots(landmarks: FloatArray, radius: float) -> Image:
    """A dark frame with a white disc at every landmark."""
    rows, columns = np.mgrid[0:480, 0:640]
    nearest = np.min([np.hypot(columns - x, rows - y) for x, y in landmarks], axis=0)
    level = np.clip(radius - nearest + 0.5, 0, 1) * 255
    return np.repeat(level[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.8, 3.6])
@pytest.mark.parametrize("degrees", [-25.0, 0.0, 40.0])
def test_landmarks_land_on_the_template(scale: float, degrees: float) -> None:
    landmarks = placed(scale, degrees, (150.0, 60.0))

    alignment = similarity(landmarks, PREPROCESS)
    image = crop(dots(landmarks, 4.0 * scale), alignment, PREPROCESS)

    mapped = landmarks @ alignment[:, :2].T + alignment[:, 2]
    assert mapped == pytest.approx(TEMPLATE, abs=1e-3)
    count, _, _, centres = cv2.connectedComponentsWithStats((image[..., 0] > 127).astype(np.uint8))
    assert count == 1 + len(TEMPLATE)
    found = sorted(map(tuple, centres[1:]), key=lambda point: (round(point[1] / 8), point[0]))
    expected = sorted(map(tuple, TEMPLATE), key=lambda point: (round(point[1] / 8), point[0]))
    assert np.array(found) == pytest.approx(np.array(expected), abs=0.6)


def test_noisy_landmarks_are_fitted_in_the_least_squares_sense() -> None:
    random = np.random.default_rng(3)
    landmarks = placed(2.0, 10.0, (200.0, 90.0)) + random.normal(0, 2, (5, 2)).astype(np.float32)
    alignment = similarity(landmarks, PREPROCESS)

    def squares(matrix: FloatArray) -> float:
        return float(((landmarks @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE) ** 2).sum())

    best = squares(alignment)
    a, b, x, y = alignment[0, 0], alignment[1, 0], alignment[0, 2], alignment[1, 2]
    for change in 0.01 * np.eye(4, dtype=np.float32):
        p, q, r, s = np.array([a, b, x, y]) + change * (1, 1, 100, 100)
        assert squares(np.array([[p, -q, r], [q, p, s]], np.float32)) > best


def test_a_face_at_the_border_repeats_it() -> None:
    frame = np.full((480, 640, 3), 90, np.uint8)

    image = crop(frame, similarity(placed(2.0, 0.0, (-60.0, -40.0)), PREPROCESS), PREPROCESS)

    assert (image == 90).all()


def test_sampling_is_even_in_time_not_in_frames() -> None:
    # Ten frames per tenth of a second, then one.
    pts_s = np.concatenate([np.arange(0, 0.1, 0.01), np.arange(0.1, 1.05, 0.1)])

    indices = sample_indices(pts_s, EventSpan(0, 10, 19), 11)

    assert list(indices) == [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]


def test_a_short_event_repeats_frames_from_onset_to_offset() -> None:
    indices = sample_indices(np.arange(10) / 30, EventSpan(3, 4, 6), 16)

    assert len(indices) == 16
    assert (indices[0], indices[-1]) == (3, 6)
    assert (np.diff(indices) >= 0).all()


def trace(pts_s: np.ndarray, onset_s: float, apex_s: float, offset_s: float) -> FloatArray:
    """AU12 of both sides rises from onset to apex and falls to the offset, at most 2."""
    rise = np.interp(pts_s, [onset_s, apex_s, offset_s], [0.0, 2.0, 0.0], left=0, right=0)
    values = np.zeros((len(pts_s), 2, AU_COUNT), np.float32)
    values[:, :, 8] = rise[:, None]
    return values


@pytest.mark.parametrize("fps", [30, 60, 200])
def test_an_event_is_found_where_it_is(fps: int) -> None:
    pts_s = np.arange(2 * fps) / fps
    noise = np.random.default_rng(1).normal(0, 0.01, (len(pts_s), 2, AU_COUNT))

    span = spot((trace(pts_s, 0.7, 0.9, 1.2) + noise).astype(np.float32), pts_s)

    assert span is not None
    assert pts_s[span.onset] == pytest.approx(0.7, abs=0.12)
    assert pts_s[span.apex] == pytest.approx(0.9, abs=0.05)
    assert pts_s[span.offset] == pytest.approx(1.2, abs=0.15)


def test_a_still_face_has_no_event() -> None:
    pts_s = np.arange(60) / 30
    noise = np.random.default_rng(2).normal(0, 0.01, (60, 2, AU_COUNT)).astype(np.float32)

    assert spot(noise, pts_s) is None


def test_a_blink_is_no_event() -> None:
    pts_s = np.arange(60) / 30
    blink = np.zeros((60, 2, AU_COUNT), dtype=np.float32)
    blink[20:26, :, AU_NAMES.index("AU45")] = 4.0
    assert spot(blink, pts_s) is None


def test_talking_is_no_event() -> None:
    pts_s = np.arange(60) / 30
    talk = np.zeros((60, 2, AU_COUNT), dtype=np.float32)
    talk[10:40, :, AU_NAMES.index("AU25")] = 3.0
    assert spot(talk, pts_s) is None


@pytest.mark.parametrize(("rise_s", "fall_s"), [(0.05, 0.05), (0.08, 0.3), (0.25, 0.07)])
def test_the_apex_is_found_within_two_frames(rise_s: float, fall_s: float) -> None:
    pts_s = np.arange(150) / 100
    away = (pts_s - 0.62) / np.where(pts_s < 0.62, rise_s, fall_s)
    rise = 1.2 * (1 + np.cos(np.pi * np.clip(away, -1, 1))) / 2
    values = np.random.default_rng(6).normal(0, 0.08, (len(pts_s), 2, AU_COUNT))
    values[:, 0, AU_NAMES.index("AU14")] += rise

    span = spot(values.astype(np.float32), pts_s)

    assert span is not None
    assert pts_s[span.apex] == pytest.approx(0.62, abs=0.02)
    assert span.onset < span.apex < span.offset
