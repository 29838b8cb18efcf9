from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.synthetic.archive import (
    CLIPS_PER_SHARD,
    ArchiveError,
    ArchiveWriter,
    SyntheticClip,
    read_clips,
    read_index,
)
from worker.domain import EventSpan
from worker.specs import AU_COUNT


def _clip(name: str) -> SyntheticClip:
    rng = np.random.default_rng(int(name))
    depth = rng.random((8, 8)).astype(np.float16), rng.random((8, 8)) > 0.5
    return SyntheticClip(
        name=name,
        kind="event",
        identity="someone",
        track="prototypes",
        label=2,
        fps=50.0,
        codec="mjpeg",
        side=384,
        pts_s=np.arange(4) / 50,
        intensity=rng.random((4, 2, AU_COUNT)).astype(np.float32),
        span=EventSpan(0, 2, 3),
        poses=np.zeros((4, 6), np.float32),
        video=rng.bytes(100),
        landmarks=rng.random((4, 68, 2)).astype(np.float32),
        depth={0: depth, 2: depth},
    )


def _write(folder: Path, count: int) -> None:
    with ArchiveWriter(folder, 5, {"clips": count}) as archive:
        for number in range(count):
            archive.add(_clip(f"{number:06d}"))


def test_clips_come_back_as_they_were_written(tmp_path: Path) -> None:
    _write(tmp_path, 3)
    clips = list(read_clips(tmp_path))
    for number, clip in enumerate(clips):
        wanted = _clip(f"{number:06d}")
        assert replace(clip, **dict.fromkeys(_ARRAYS)) == replace(wanted, **dict.fromkeys(_ARRAYS))
        for name in _ARRAYS[:-1]:
            assert np.array_equal(getattr(clip, name), getattr(wanted, name))
        assert clip.depth.keys() == wanted.depth.keys()
        for frame, (depth, face) in clip.depth.items():
            assert np.array_equal(depth, wanted.depth[frame][0])
            assert np.array_equal(face, wanted.depth[frame][1])


_ARRAYS = ("pts_s", "intensity", "poses", "landmarks", "depth")


def test_a_shard_holds_so_many_clips_and_the_index_names_them_all(tmp_path: Path) -> None:
    _write(tmp_path, CLIPS_PER_SHARD + 1)
    assert len(list(tmp_path.glob("shard-*.tar"))) == 2
    assert len(list(read_clips(tmp_path))) == CLIPS_PER_SHARD + 1
    assert read_index(tmp_path)["identities"] == {"someone": CLIPS_PER_SHARD + 1}


def test_the_same_clips_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        _write(tmp_path / folder, 2)
    one, other = ((tmp_path / f / "shard-00000.tar").read_bytes() for f in ("a", "b"))
    assert one == other


def test_an_interrupted_archive_is_none(tmp_path: Path) -> None:
    archive = ArchiveWriter(tmp_path, 0, {})
    archive.add(_clip("000000"))
    archive.__exit__(RuntimeError, RuntimeError(), None)
    with pytest.raises(ArchiveError):
        next(read_clips(tmp_path))
    assert not list(tmp_path.glob("*.tar"))


def test_an_archive_is_not_written_over(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    with pytest.raises(FileExistsError):
        ArchiveWriter(tmp_path, 0, {})
