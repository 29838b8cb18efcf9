import numpy as np
import pytest

from worker.domain import FaceBox, Frame
from worker.preprocess.spec import PREPROCESS
from worker.presence import (
    KEY_INTERVAL_S,
    LOST_PX,
    MOST_TRACKS,
    FaceTrack,
    Follower,
    doubtful,
    key_frames,
)

IMAGE = np.zeros((48, 64, 3), np.uint8)
# Twice the crop's size, so that a shift in the frame is half of that in the crop.
LANDMARKS = 2 * np.array(PREPROCESS.template, np.float32)


def frames(pts_s: list[float], broken: tuple[int, ...] = (), first: int = 0) -> list[Frame]:
    return [Frame(first + i, t, None if i in broken else IMAGE) for i, t in enumerate(pts_s)]


def face(right: float = 0.0, score: float = 0.9, size: float = 100.0, down: float = 0.0) -> FaceBox:
    box = (right, down, right + size, down + size)
    return FaceBox(box, score, LANDMARKS + np.array([right, down], np.float32))


def follow(seen: list[list[FaceBox]], after: Follower | None = None) -> list[FaceTrack]:
    """The tracks of key frames half a second apart."""
    follower = after or Follower(PREPROCESS)
    first = follower.looked_at
    keys = frames([(first + i) * KEY_INTERVAL_S for i in range(len(seen))], first=first)
    return follower.follow(list(zip(keys, seen, strict=True)))


def statuses(track: FaceTrack) -> list[str]:
    return [seen.status for seen in track.sightings]


def course(track: FaceTrack) -> list[float]:
    """Where a face is, from left to right, wherever it is seen."""
    return [seen.face.box[0] for seen in track.sightings if seen.face]


def test_key_frames_are_half_a_second_apart_and_include_both_ends() -> None:
    keys = key_frames(frames([i / 30 for i in range(72)]))

    assert [key.index for key in keys] == [0, 15, 30, 45, 60, 71]


def test_key_frames_go_on_from_part_to_part() -> None:
    keys = key_frames(frames([2 + i / 30 for i in range(30)], first=60), after_s=1.9)

    assert [key.index for key in keys] == [72, 87, 89]


def test_frames_that_did_not_decode_are_no_key_frames() -> None:
    keys = key_frames(frames([i / 10 for i in range(9)], broken=(0, 5, 8)))

    assert [key.index for key in keys] == [1, 6, 7]


def test_the_largest_face_of_the_first_frame_with_one_is_the_main_face() -> None:
    other = face(300.0, size=50.0)

    main, second = follow([[], [other, face()], [face(4.0), other], [other]])

    assert (main.track_id, second.track_id) == (0, 1)
    assert statuses(main) == ["ok", "ok", "no_face"]
    assert statuses(second) == ["ok"] * 3
    assert main.sightings[0].index == 1


def test_a_face_may_wander_but_not_jump() -> None:
    main, other = follow([[face(x)] for x in (0.0, 60.0, 120.0, 240.0, 140.0)])

    assert statuses(main) == ["ok", "ok", "ok", "no_face", "ok"]
    assert course(other) == [240.0]


def test_faces_that_pass_each_other_keep_their_tracks() -> None:
    one, two = range(0, 360, 40), range(320, -40, -40)

    tracks = follow(
        [[face(x), face(y, size=90.0, down=30.0)] for x, y in zip(one, two, strict=True)]
    )

    assert [course(track) for track in tracks] == [list(one), list(two)]


def test_a_face_keeps_its_track_from_part_to_part() -> None:
    follower = Follower(PREPROCESS)
    follow([[face(), face(400.0)], [face(30.0), face(430.0)]], follower)

    later = follow([[face(460.0)], [face(490.0)]], follower)

    assert [track.track_id for track in later] == [0, 1]
    assert statuses(later[0]) == ["ok", "no_face", "no_face"]
    assert course(later[1]) == [430.0, 460.0, 490.0]


def test_who_was_away_is_known_again_where_he_was() -> None:
    tracks = follow(
        [[face(), face(400.0)], [face(400.0)], [face(400.0)], [face(20.0), face(400.0)]]
    )

    assert [statuses(track).count("ok") for track in tracks] == [2, 4]


def test_only_so_many_faces_are_followed() -> None:
    crowd = [face(200.0 * number) for number in range(MOST_TRACKS + 3)]

    assert len(follow([crowd, crowd])) == MOST_TRACKS


def test_a_detector_that_is_unsure_is_of_low_confidence() -> None:
    (track,) = follow([[face()], [face(score=0.55)]])

    assert statuses(track) == ["ok", "low_confidence"]


def test_the_anchor_shows_the_face_as_it_is_most_of_the_time() -> None:
    turned = FaceBox(face().box, 0.9, LANDMARKS + np.array([[0, 0]] * 2 + [[9, 0]] + [[0, 0]] * 2))

    (track,) = follow([[turned], [face(2.0)], [face(4.0)], [face(6.0)]])

    assert track.anchor(0, PREPROCESS)[0] == 1
    assert track.anchor(2, PREPROCESS)[0] == 2


def test_between_sightings_the_face_is_guessed_on_the_way() -> None:
    (track,) = follow([[face()], [], [face(8.0)]])

    guesses = track.guesses(np.array([0.0, 0.25, 1.0, 2.0]), PREPROCESS)

    assert guesses[:, 0, 2] == pytest.approx([0.0, -1.0, -4.0, -4.0], abs=1e-4)


def test_frames_share_the_verdict_of_the_nearest_key_frame() -> None:
    part = frames([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], broken=(1,))
    (track,) = Follower(PREPROCESS).follow([(part[0], [face()]), (part[5], [])])

    judged = [track.judge(frame) for frame in part]

    assert [status for status, _ in judged] == ["ok", "decode_error", "ok", *["no_face"] * 3]
    assert [confidence for _, confidence in judged] == [0.9, 0.0, 0.9, 0.0, 0.0, 0.0]


def test_it_is_looked_between_where_a_face_may_have_run() -> None:
    part = frames([i / 30 for i in range(16)])
    far = 2 * LOST_PX + 1  # in frame pixels, which are half as large as the crop's
    first, last = part[0], part[15]

    ran = doubtful(part, [(first, [face()]), (last, [face(far)])], PREPROCESS)
    left = doubtful(part, [(first, [face(), face(500.0)]), (last, [face(500.0)])], PREPROCESS)
    stayed = doubtful(part, [(first, [face()]), (last, [face(20.0)])], PREPROCESS)
    before = [(Frame(-1, -1 / 30, None), [face()]), (last, [face(far)])]

    assert [frame.index for frame in ran] == [8]
    assert (left, stayed) == ([], [])
    assert [frame.index for frame in doubtful(part, before, PREPROCESS)] == [7]
