from fractions import Fraction

import numpy as np
import pytest

from worker.contract import ErrorCode
from worker.domain import Clip, FaceBox, Frame
from worker.errors import ClipError
from worker.preprocess.spec import PREPROCESS
from worker.presence import KEY_INTERVAL_S, follow, key_frames

IMAGE = np.zeros((48, 64, 3), np.uint8)
# Twice the crop's size, so that a shift in the frame is half of that in the crop.
LANDMARKS = 2 * np.array(PREPROCESS.template, np.float32)


def clip(pts_s: list[float], broken: tuple[int, ...] = ()) -> Clip:
    frames = [Frame(i, t, None if i in broken else IMAGE) for i, t in enumerate(pts_s)]
    return Clip(tuple(frames), "mp4", "h264", 0, Fraction(30))


def face(shift_px: float = 0.0, score: float = 0.9, size: float = 100.0) -> FaceBox:
    box = (shift_px, 0.0, shift_px + size, size)
    return FaceBox(box, score, LANDMARKS + np.array([shift_px, 0], np.float32))


def test_key_frames_are_half_a_second_apart_and_include_both_ends() -> None:
    keys = key_frames(clip([i / 30 for i in range(72)]))

    assert [key.index for key in keys] == [0, 15, 30, 45, 60, 71]


def test_frames_that_did_not_decode_are_no_key_frames() -> None:
    keys = key_frames(clip([i / 10 for i in range(9)], broken=(0, 5, 8)))

    assert [key.index for key in keys] == [1, 6, 7]


def test_the_largest_face_of_the_first_frame_with_one_is_followed() -> None:
    keys = key_frames(clip([i * KEY_INTERVAL_S for i in range(4)]))
    other = face(300.0, size=50.0)

    track = follow(keys, [[], [other, face()], [face(4.0), other], [other]], PREPROCESS)

    assert track.anchor.index == 1
    assert track.alignment == pytest.approx(np.array([[0.5, 0, 0], [0, 0.5, 0]]), abs=1e-5)
    assert [seen.status for seen in track.sightings] == ["no_face", "ok", "ok", "no_face"]


def test_a_face_may_wander_but_not_jump() -> None:
    keys = key_frames(clip([i * KEY_INTERVAL_S for i in range(5)]))

    track = follow(keys, [[face(x)] for x in (0.0, 60.0, 120.0, 240.0, 140.0)], PREPROCESS)

    assert [seen.status for seen in track.sightings] == ["ok", "ok", "ok", "no_face", "ok"]


def test_a_detector_that_is_unsure_is_of_low_confidence() -> None:
    keys = key_frames(clip([i * KEY_INTERVAL_S for i in range(2)]))

    track = follow(keys, [[face()], [face(score=0.55)]], PREPROCESS)

    assert [seen.status for seen in track.sightings] == ["ok", "low_confidence"]


def test_the_anchor_shows_the_face_as_it_is_most_of_the_time() -> None:
    keys = key_frames(clip([i * KEY_INTERVAL_S for i in range(4)]))
    turned = FaceBox(face().box, 0.9, LANDMARKS + np.array([[0, 0]] * 2 + [[9, 0]] + [[0, 0]] * 2))

    track = follow(keys, [[turned], [face(2.0)], [face(4.0)], [face(6.0)]], PREPROCESS)

    assert track.anchor.index == 1


def test_between_sightings_the_face_is_guessed_on_the_way() -> None:
    keys = key_frames(clip([0.0, 0.5, 1.0]))
    track = follow(keys, [[face()], [], [face(8.0)]], PREPROCESS)

    guesses = track.guesses(np.array([0.0, 0.25, 1.0, 2.0]), PREPROCESS)

    assert guesses[:, 0, 2] == pytest.approx([0.0, -1.0, -4.0, -4.0], abs=1e-4)


def test_frames_share_the_verdict_of_the_nearest_key_frame() -> None:
    keys = key_frames(clip([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], broken=(1,)))
    track = follow(keys, [[face()], []], PREPROCESS)
    frames = clip([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], broken=(1,)).frames

    judged = [track.judge(frame) for frame in frames]

    assert [status for status, _ in judged] == ["ok", "decode_error", "ok", *["no_face"] * 3]
    assert [confidence for _, confidence in judged] == [0.9, 0.0, 0.9, 0.0, 0.0, 0.0]


def test_no_face_at_all() -> None:
    with pytest.raises(ClipError) as caught:
        follow(key_frames(clip([0.0, 0.1, 0.2])), [[], []], PREPROCESS)

    assert caught.value.failure.code is ErrorCode.NO_FACE
