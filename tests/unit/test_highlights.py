"""Which events of a long clip are named."""

import numpy as np
import pytest

from worker.contract import Mode
from worker.domain import FaceBox
from worker.findings import FaceFindings
from worker.highlights import MOST_EVENTS, Highlights
from worker.models.recognizer import Recognition
from worker.preprocess.stabilise import Placement
from worker.specs import AU_COUNT, AU_NAMES, CLIP_FRAMES
from worker.strip import Anchor, Observation

FPS = 25
WINDOW = 100
STEP = 50
AU12 = AU_NAMES.index("AU12")
SQUARE = np.eye(2, 3, dtype=np.float32)
FACE = FaceBox((0.0, 0.0, 1.0, 1.0), 1.0, np.zeros((5, 2), np.float32))


def smile(heights: dict[int, float], count: int) -> np.ndarray:
    """AU12 of `count` frames, with a bump at each of some frames."""
    frames = np.arange(count)
    bumps = [np.interp(frames, [at - 6, at, at + 6], [0, h, 0]) for at, h in heights.items()]
    return np.sum([np.zeros(count), *bumps], axis=0)


def windows(values: np.ndarray) -> list[Observation]:
    """The trace in windows that overlap by half, each with the peaks in its middle."""
    seen = []
    for start in range(0, len(values) - STEP, STEP):
        used = np.arange(start, min(start + WINDOW, len(values)))
        trace = np.zeros((len(used), 2, AU_COUNT), np.float32)
        trace[:, :, AU12] = values[used][:, None]
        is_first, is_last = start == 0, used[-1] == len(values) - 1
        seen.append(
            Observation(
                anchor=Anchor(0, 0, FACE, SQUARE),
                judged=[],
                used=used,
                pts_s=used / FPS,
                crops=used[:, None, None, None].astype(np.uint8),
                placements=[Placement(SQUARE, (0.0, 0.0), 1.0)] * len(used),
                reference=np.zeros((3, 1, 1), np.uint8),
                reference_frame=0,
                trace=trace,
                seen_before=0 if is_first else STEP,
                peaks=slice(0 if is_first else 25, None if is_last else 75),
            )
        )
    return seen


def highlights(values: np.ndarray) -> Highlights:
    found = Highlights(CLIP_FRAMES)
    for seen in windows(values):
        found.consider(seen)
    return found


def apexes(found: Highlights) -> list[int]:
    return [moment.span[1].frame for moment in found.moments if moment.span]


def test_events_are_named_once_and_the_strongest_first() -> None:
    found = highlights(smile({50: 1.0, 120: 3.0, 222: 2.0}, 300))

    assert apexes(found) == pytest.approx([120, 222, 50], abs=1)
    strengths = [moment.strength for moment in found.moments]
    assert strengths == sorted(strengths, reverse=True)


def test_an_event_at_a_seam_is_one_event() -> None:
    for at in range(70, 82):
        assert apexes(highlights(smile({at: 2.0}, 200))) == pytest.approx([at], abs=1)


def test_only_so_many_are_kept_and_those_are_the_strongest() -> None:
    heights = {50 * number + 50: 1.0 + 0.2 * number for number in range(16)}

    found = highlights(smile(heights, 900))

    assert apexes(found) == pytest.approx(sorted(heights)[: -MOST_EVENTS - 1 : -1], abs=1)


def test_the_recognizer_is_shown_the_event_from_its_onset() -> None:
    (moment,) = highlights(smile({120: 2.0}, 200)).moments

    assert moment.span is not None
    onset, apex, offset = (instant.frame for instant in moment.span)
    numbers = moment.crops[:, 0, 0, 0]
    assert (numbers[0], numbers[-1]) == (onset, offset)
    assert len(numbers) == CLIP_FRAMES
    assert abs(int(numbers[moment.apex]) - apex) <= 1
    assert moment.ends is not None
    assert moment.ends.crops[:, 0, 0, 0].tolist() == [onset, apex]


def test_without_an_event_there_is_the_liveliest_window() -> None:
    (moment,) = highlights(smile({220: 0.1}, 300)).moments

    assert moment.span is None
    assert moment.crops[0, 0, 0, 0] in {150, 200}


def findings(values: np.ndarray) -> FaceFindings:
    found = FaceFindings(Anchor(0, 0, FACE, SQUARE), CLIP_FRAMES, Mode.SPOT)
    for seen in windows(values):
        for moment in found.add(seen):
            found.keep(moment, Recognition(np.zeros((CLIP_FRAMES, 2, AU_COUNT), np.float32), None))
    return found


def test_whoever_searches_is_told_every_event_the_strongest_first() -> None:
    heights = {25 * number + 20: 1.0 + 0.2 * (number % 7) for number in range(15)}
    told = [judged.moment for judged in findings(smile(heights, 400)).moments]
    assert sorted(moment.span[1].frame for moment in told if moment.span) == pytest.approx(
        sorted(heights), abs=1
    )
    assert [moment.strength for moment in told] == sorted(
        (moment.strength for moment in told), reverse=True
    )


def test_a_searched_event_at_a_seam_is_told_once() -> None:
    for at in range(70, 82):
        assert len(findings(smile({at: 2.0}, 200)).moments) == 1


def test_pictures_of_a_judged_event_are_let_go() -> None:
    (judged,) = findings(smile({120: 2.0}, 200)).moments
    assert judged.moment.crops.size == 0
    assert judged.moment.ends is None


def test_whoever_searches_in_vain_is_told_nothing() -> None:
    found = findings(smile({}, 300))
    assert (found.moments, found.waiting) == ([], [])
