"""A licence holder's command, from spreadsheet to table, on a made-up CASME II."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import cv2
import pytest
import torch

from training.data import DETECTOR
from training.datasets.clip import ClipRow, DatasetName
from training.datasets.observed import clip_of
from training.protocols.split import LeakError
from training.reproduce import licensed
from worker.demo.clip import demo_frames

PEOPLE = (1, 2, 3)
EMOTIONS = ("happiness", "disgust")
FRAMES = 6
CONFIG = """
[network]
dims = [8, 8, 16]
depths = [1, 1, 1]
heads = [4, 4, 4]
fusion_dim = 8
au_hidden = 8
frames = 4

[recipe]
epochs = 1
batch_size = 2
precision = "float32"
"""


@pytest.fixture(scope="module")
def casme2(
    tmp_path_factory: pytest.TempPathFactory,
    write_book: Callable[..., Path],
    casme2_head: Iterable[str | None],
) -> Path:
    """Two clips of each person; frames of a moving portrait, brighter from person to person."""
    if not DETECTOR.is_file():
        pytest.skip("needs the face detector: python -m training.export face")
    root = tmp_path_factory.mktemp("licensed") / "CASME2"
    frames = [cv2.resize(frame, None, fx=0.5, fy=0.5) for frame in islice(demo_frames(), FRAMES)]
    rows: list[list[object]] = []
    for person in PEOPLE:
        for number, emotion in enumerate(EMOTIONS):
            clip = f"EP{number:02d}_01"
            folder = root / "Cropped" / f"sub{person:02d}" / clip
            folder.mkdir(parents=True)
            for index, frame in enumerate(frames):
                shown = cv2.convertScaleAbs(frame, alpha=1 - 0.05 * person, beta=3 * number)
                cv2.imwrite(str(folder / f"reg_img{10 + index}.jpg"), shown[..., ::-1])
            rows.append([person, clip, None, 10, 12, 9 + FRAMES, None, "12", emotion])
    rows.append([4, "EP09_09", None, 10, 12, 15, None, "4", "others"])
    black = root / "Cropped" / "sub04" / "EP09_09"
    black.mkdir(parents=True)
    for index in range(FRAMES):
        cv2.imwrite(str(black / f"reg_img{10 + index}.jpg"), 0 * frames[0])
    write_book(root / "CASME2-coding-20140508.xlsx", {"Sheet1": [list(casme2_head), *rows]})
    return root.parent


def test_loso_runs_from_spreadsheet_to_table(casme2: Path, tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(CONFIG)
    flags = ["--data", str(casme2), "--config", str(config), "--runs", str(tmp_path)]
    command = [sys.executable, "-m", "training.reproduce", "casme2", *flags, "--threads", "1"]
    made = subprocess.run([*command, "--json", "-"], check=True, capture_output=True)
    table = json.loads(made.stdout)
    assert table["subjects"] == len(PEOPLE)
    assert table["scores"]["clips"] == len(PEOPLE) * len(EMOTIONS)
    assert table["left_out"] == ["casme2:sub04/EP09_09"]
    assert sum(map(sum, table["scores"]["confusion"])) == len(PEOPLE) * len(EMOTIONS)
    logged = licensed.table("casme2", casme2, tmp_path, config, folds=2)
    assert logged["subjects"] == 2  # read, not trained again


def test_frames_are_those_from_onset_to_offset(casme2: Path) -> None:
    row = ClipRow(
        dataset=DatasetName.CASME2,
        subject="casme2:sub01",
        clip_id="casme2:sub01/EP00_01",
        path=casme2 / "CASME2" / "Cropped" / "sub01" / "EP00_01",
        frames=FRAMES,
        fps=200,
        onset=11,
        apex=12,
        offset=None,
        emotion="happiness",
        coarse="positive",
    )
    assert clip_of(row).pts_s.tolist() == [0.0, 0.005]
    assert len(clip_of(row.model_copy(update={"offset": 14})).frames) == 4


def test_a_network_that_knows_the_tested_people_is_refused(casme2: Path, tmp_path: Path) -> None:
    known = {"configuration": {"data": {"people": ["casme2:sub02"]}}, "model": {}}
    torch.save(known, tmp_path / "known.pt")
    config = tmp_path / "leaking.toml"
    config.write_text(f'start = "{tmp_path / "known.pt"}"\n{CONFIG}')
    with pytest.raises(LeakError, match="casme2:sub02, who are tested"):
        licensed.table("casme2", casme2, tmp_path, config)
