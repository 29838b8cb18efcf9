"""Long films on disk, watched as the service does it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from training import data
from training.spotting import Viewer
from training.synthetic.long_films import FPS, films, shoot
from training.synthetic.portraits import split_of
from training.synthetic.studio import Inputs
from worker.video.decode import decode
from worker.video.limits import DecodeLimits


def _inputs() -> Inputs:
    try:
        places = data.portraits_folder(), data.face_model_folder(), data.priors_file()
    except FileNotFoundError:
        pytest.skip("needs portraits and 3D face in MADV_DATA")
    return Inputs(*places, "test")


def test_a_film_is_made_once_and_shows_somebody_of_its_split(tmp_path: Path) -> None:
    (made,) = shoot(_inputs(), 1, 4, tmp_path, length_s=1.0)
    assert films(tmp_path) == [made]
    assert split_of(made.identity) == "test"
    assert decode(made.video, DecodeLimits()).frames_total == made.length_s * FPS
    written = made.video.stat().st_mtime_ns
    assert list(shoot(_inputs(), 1, 4, tmp_path, length_s=1.0)) == [made]
    assert made.video.stat().st_mtime_ns == written


def test_what_was_seen_once_is_not_watched_again(short_clip: Path, tmp_path: Path) -> None:
    video = Path(shutil.copy(short_clip, tmp_path / "film.mp4"))
    viewer = Viewer(data.MODEL_REPO)
    seen = viewer.watch(video, tmp_path)
    video.unlink()
    again = viewer.watch(video, tmp_path)
    assert [each.peaks for each in again] == [each.peaks for each in seen]
    for before, after in zip(seen, again, strict=True):
        assert np.array_equal(before.trace, after.trace)
        assert np.array_equal(before.pts_s, after.pts_s)
        assert np.array_equal(before.turns, after.turns)
