"""Synthetic benchmark v1: people apart, tracks even, the same clips for the same seed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import data, shards
from training.benchmark import manifest
from training.benchmark.clips import KIND, NAME, TRACKS, Clips, draw, halves
from training.benchmark.manifest import Sizes
from training.served import ServedModels
from training.synthetic.events import Priors
from training.synthetic.portraits import SPLITS, load_rigs
from worker.specs import AU_COUNT, CLIP_FRAMES, CROP_SIZE, LABELS

SMALL = 16


def clips(subjects: list[str], seed: int = 0) -> Clips:
    """Noise with labels, one clip a subject named."""
    rng = np.random.default_rng(seed)
    count, side = len(subjects), CROP_SIZE
    return Clips(
        rng.integers(0, 256, (count, CLIP_FRAMES, side, side), dtype=np.uint8),
        rng.random((count, CLIP_FRAMES, side // 2, side // 2)).astype(np.float16),
        rng.normal(0, 1, (count, CLIP_FRAMES, 2, AU_COUNT)).astype(np.float32),
        rng.random((count, 2, AU_COUNT)).astype(np.float32),
        np.arange(count) % len(LABELS),
        np.arange(count) // len(LABELS) % len(TRACKS),
        np.array(subjects),
    )


def store(folder: Path, **splits: Clips) -> Sizes:
    for split, kept in splits.items():
        shards.save(kept, folder / f"{NAME}-{split}-000.npz")
    return Sizes(**{split: len(kept.label) for split, kept in splits.items()})


@pytest.fixture
def three(tmp_path: Path) -> Sizes:
    named = {split: clips([f"{split}-{n}" for n in range(SMALL)]) for split in SPLITS}
    return store(tmp_path, **named)


def test_the_manifest_says_what_there_is(three: Sizes, tmp_path: Path) -> None:
    made = manifest.make(tmp_path, three)
    test = made.splits["test"]
    assert (test.clips, test.tracks) == (SMALL, {"prototypes": 8, "statistics": 8})
    assert set(test.labels.values()) == {2}
    assert test.subjects == sorted(f"test-{n}" for n in range(SMALL))
    assert manifest.made(tmp_path) == made
    assert json.loads((tmp_path / manifest.FILE).read_text())["name"] == NAME


def test_other_pixels_are_another_benchmark(three: Sizes, tmp_path: Path) -> None:
    before = manifest.make(tmp_path, three).digest
    assert manifest.make(tmp_path, three).digest == before
    store(tmp_path, test=clips([f"test-{n}" for n in range(SMALL)], seed=1))
    assert manifest.make(tmp_path, three).digest != before


def test_streams_of_networks_no_longer_served_are_refused(three: Sizes, tmp_path: Path) -> None:
    made = manifest.make(tmp_path, three)
    other = made.model_copy(update={"models": {"au": "sha256:0"}})
    (tmp_path / manifest.FILE).write_text(other.model_dump_json())
    with pytest.raises(ValueError, match="other networks"):
        manifest.made(tmp_path)


def test_a_person_in_two_splits_is_refused(three: Sizes, tmp_path: Path) -> None:
    store(tmp_path, test=clips(["train-3"] * SMALL))
    with pytest.raises(ValueError, match="train-3 is in train and test"):
        manifest.make(tmp_path, three)


def test_curves_and_calibration_have_no_person_in_common() -> None:
    both = clips([f"person {n % 12}" for n in range(48)])
    curve, calibration = halves(both)
    assert len(curve.label) + len(calibration.label) == 48
    assert len(curve.label)
    assert len(calibration.label)
    assert not set(curve.subject.tolist()) & set(calibration.subject.tolist())


def test_the_same_seed_gives_the_same_clips() -> None:
    try:
        folder = data.data_folder()
    except FileNotFoundError as absent:
        pytest.skip(str(absent))
    if not data.DETECTOR.is_file():
        pytest.skip("needs the face detector: python -m training.export face")
    rigs = load_rigs(folder / "portraits", folder / "face_model", "validation", data.DETECTOR)[:2]
    priors, served = Priors(data.priors_file()), ServedModels(data.MODEL_REPO, threads=1)
    one, two = (
        draw(rigs, priors, served, np.random.default_rng(7), varies=False, count=SMALL)
        for _ in range(2)
    )
    assert manifest.describe(one) == manifest.describe(two)
    assert np.bincount(one.label).tolist() == [2] * len(LABELS)
    assert np.bincount(one.track).tolist() == [8, 8]
    assert set(one.subject.tolist()) == {rig.name for rig in rigs}
    assert one.code[one.label == LABELS.index("neutral")].max() == 0
    prototypes = replace(one, code=one.code[(one.track == 1) & (one.label == 0)])
    assert (prototypes.code[:, :, [4, 8]].max(axis=1) > 0).all()  # AU06 and AU12: a smile


def test_shards_hold_both_tracks_of_every_label() -> None:
    assert KIND.rows % (len(LABELS) * len(TRACKS)) == 0
