"""Samples of made-up clips."""

from collections.abc import Callable

import pytest

from training.datasets.clip import ClipRow, DatasetName
from training.protocols.sample import Sample
from training.protocols.split import Pool

MakeSample = Callable[..., Sample]
PEOPLE, CLIPS = 8, 6
LABELS = ("negative", "positive", "surprise")


def _sample(
    subject: str = "casme2:sub01",
    clip: str = "c1",
    label: str = "negative",
    dataset: DatasetName = DatasetName.CASME2,
) -> Sample:
    row = ClipRow(
        dataset=dataset,
        subject=subject,
        clip_id=f"{dataset}:{subject.partition(':')[2]}/{clip}",
        path=None,
        frames=0,
        fps=200,
        onset=1,
        apex=2,
        offset=3,
        emotion=label,
        coarse="negative",
    )
    return Sample(row, label)


@pytest.fixture
def sample() -> MakeSample:
    return _sample


@pytest.fixture
def pool() -> Pool:
    """Eight people with six clips each, in three classes of unlike size."""
    return Pool(
        tuple(
            _sample(f"casme2:sub{person:02d}", f"c{clip}", LABELS[clip % 5 % 3])
            for person in range(1, PEOPLE + 1)
            for clip in range(CLIPS)
        )
    )
