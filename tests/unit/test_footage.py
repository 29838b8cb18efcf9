"""Real video taken window by window."""

import weakref
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from worker.codes import ErrorCode
from worker.domain import Frame
from worker.errors import ClipError
from worker.video.decode import decode
from worker.video.encode import write_clip
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

COUNT = 50
HEIGHT, WIDTH = 48, 64
FRAME_BYTES = 3 * HEIGHT * WIDTH
SMALL = DecodeLimits(window_bytes=12 * FRAME_BYTES + 1)


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    pictures = (np.full((HEIGHT, WIDTH, 3), 4 * index, np.uint8) for index in range(COUNT))
    write_clip(path, pictures, Fraction(25))
    return path


def taken(path: Path, limits: DecodeLimits) -> list[list[Frame]]:
    with open_footage(path, limits) as footage:
        return [list(window) for window in footage.windows()]


def test_windows_hold_what_they_may_and_together_the_clip(clip_path: Path) -> None:
    windows = taken(clip_path, SMALL)

    whole = decode(clip_path, DecodeLimits()).frames
    assert [len(window) for window in windows] == [12, 12, 12, 12, 2]
    for frame, same in zip(chain.from_iterable(windows), whole, strict=True):
        assert (frame.index, frame.pts_s) == (same.index, same.pts_s)
        assert np.array_equal(frame.image, same.image)


def test_windows_of_many_small_frames_are_bounded_too(clip_path: Path) -> None:
    windows = taken(clip_path, DecodeLimits(window_frames=20))

    assert [len(window) for window in windows] == [20, 20, 10]


def test_a_frame_larger_than_a_window_is_one(clip_path: Path) -> None:
    assert len(taken(clip_path, DecodeLimits(window_bytes=1))) == COUNT


def test_no_more_than_a_window_is_alive(clip_path: Path) -> None:
    images: list[weakref.ref[np.ndarray]] = []
    most = 0
    with open_footage(clip_path, SMALL) as footage:
        footage.begin()
        for window in footage.windows():
            images += [weakref.ref(frame.image) for frame in window if frame.image is not None]
            most = max(most, sum(image() is not None for image in images))
            del window

    assert len(images) == COUNT
    assert most <= 12 + 1  # the one that came first may outlast its window


def test_the_clip_is_known_in_the_end(clip_path: Path) -> None:
    with open_footage(clip_path, SMALL) as footage:
        footage.begin()
        for _ in footage.windows():
            pass

        assert (footage.container, footage.codec, footage.rotation) == ("mp4", "h264", 0)
        assert footage.size == (WIDTH, HEIGHT)
        assert footage.pts_s == pytest.approx(np.arange(COUNT) / 25, abs=1e-4)
        assert footage.frames_total == COUNT
        assert footage.warnings == ()


def test_a_clip_that_turns_out_too_long_ends_while_it_is_taken(clip_path: Path) -> None:
    limits = DecodeLimits(window_frames=10, max_frames=35)
    with open_footage(clip_path, limits) as footage:
        windows = footage.windows()
        sizes = [len(next(windows)) for _ in range(3)]
        with pytest.raises(ClipError) as caught:
            next(windows)

    assert sizes == [10, 10, 10]
    assert caught.value.code is ErrorCode.TOO_MANY_FRAMES


def test_what_is_no_clip_is_refused_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(400))
    with pytest.raises(ClipError), open_footage(path, SMALL) as footage:
        footage.begin()
