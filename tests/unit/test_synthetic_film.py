import io
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from training import data
from training.synthetic.archive import SyntheticClip, read_clips, read_index
from training.synthetic.film import SIDES
from training.synthetic.landmarks import facial_points
from training.synthetic.portraits import Aligner, Portrait, portrait_names
from training.synthetic.studio import Inputs, Take, filmed, takes, write_archive
from worker.preprocess.spec import PREPROCESS


def _has_data() -> bool:
    try:
        data.data_folder()
    except FileNotFoundError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_data(), reason="needs portraits and 3D face in MADV_DATA")


def _inputs() -> Inputs:
    return Inputs(data.portraits_folder(), data.face_model_folder(), data.priors_file())


@cache
def _clips() -> dict[str, SyntheticClip]:
    name = portrait_names(data.portraits_folder(), "test")[0]
    wanted = [Take(kind, kind, name, 2, 9) for kind in ("event", "still", "rigid")]
    return {clip.kind: clip for clip in filmed(_inputs(), wanted)}


def _frames(clip: SyntheticClip) -> list[np.ndarray]:
    with av.open(io.BytesIO(clip.video)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.slow
def test_a_film_has_one_frame_for_every_row_of_its_truth() -> None:
    for clip in _clips().values():
        frames = _frames(clip)
        assert len(frames) == len(clip.pts_s) == len(clip.intensity) == len(clip.landmarks)
        assert frames[0].shape == (clip.side, clip.side, 3)
        assert clip.side in SIDES


@pytest.mark.slow
def test_the_production_detector_finds_the_eyes_where_they_truly_are() -> None:
    for clip in _clips().values():
        image = _frames(clip)[0]
        points = clip.landmarks[0]
        portrait = Portrait(clip.name, image, facial_points(points))
        alignment = Aligner(data.DETECTOR).alignment(portrait)
        eyes = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])
        in_crop = eyes @ alignment[:, :2].T + alignment[:, 2]
        assert np.abs(in_crop - np.array(PREPROCESS.template[:2])).max() < 4


@pytest.mark.slow
def test_only_events_have_a_span_and_action_units() -> None:
    clips = _clips()
    assert clips["event"].span is not None
    assert clips["event"].intensity[clips["event"].span.apex].max() > 0.3
    for kind in ("still", "rigid"):
        assert clips[kind].span is None
        assert not clips[kind].intensity.any()


@pytest.mark.slow
def test_depth_lies_on_the_face() -> None:
    for clip in _clips().values():
        for frame, (depth, face) in clip.depth.items():
            x, y = clip.landmarks[frame, 30].round().astype(int)
            assert face[y, x]
            assert depth[y, x] > np.median(depth[face])


@pytest.mark.slow
def test_an_archive_from_the_command_depends_on_its_seed_alone(tmp_path: Path) -> None:
    inputs = Inputs(*_inputs_with_two_portraits(tmp_path))
    for folder in ("one", "other"):
        write_archive(inputs, 2, 4, tmp_path / folder)
    one, other = ((tmp_path / f / "shard-00000.tar").read_bytes() for f in ("one", "other"))
    assert one == other
    assert read_index(tmp_path / "one")["kinds"] == {"event": 2, "rigid": 1, "still": 1}
    assert len(list(read_clips(tmp_path / "one"))) == 4


def test_takes_cover_the_identities_and_come_in_their_order() -> None:
    wanted = takes(_inputs(), 300, 0)
    assert [take.name for take in wanted] == sorted(take.name for take in wanted)
    identities = [take.identity for take in wanted]
    assert identities == sorted(identities)
    assert len(set(identities)) == len(portrait_names(data.portraits_folder(), "all"))


def _inputs_with_two_portraits(folder: Path) -> tuple[Path, Path, Path]:
    """Two portraits with the FRL template alone, under names never seen before."""
    portraits = folder / "people"
    portraits.mkdir()
    source = data.portraits_folder()
    names = portrait_names(source, "train")[:2]
    with np.load(source / "landmarks189.npz") as known:
        np.savez(portraits / "landmarks189.npz", **{f"new_{n}": known[n] for n in names})
    for name in names:
        (portraits / f"new_{name}.jpg").write_bytes((source / f"{name}.jpg").read_bytes())
    return portraits, data.face_model_folder() / "ict_face_f16.npz", data.priors_file()
