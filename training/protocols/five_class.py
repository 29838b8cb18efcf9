"""The five-class tasks of CASME II (246 clips) and SAMM (136 clips)."""

from collections.abc import Iterable, Mapping
from typing import Final

from training.datasets.clip import ClipRow, DatasetName
from training.datasets.emotions import canonical
from training.protocols.sample import Counts, Sample

FIVE_CLASSES: Final[Mapping[DatasetName, tuple[str, ...]]] = {
    DatasetName.CASME2: ("others", "disgust", "happiness", "repression", "surprise"),
    DatasetName.SAMM: ("anger", "happiness", "others", "surprise", "contempt"),
}
COUNTS: Final[Mapping[DatasetName, Counts]] = {
    DatasetName.CASME2: Counts(
        {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25}, 26
    ),
    DatasetName.SAMM: Counts(
        {"anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12}, 29
    ),
}


def five_class(clips: Iterable[ClipRow], dataset: DatasetName) -> tuple[Sample, ...]:
    """The clips of one data set in its five classes. Raises KeyError where it has no such task."""
    classes = FIVE_CLASSES[dataset]
    mine = (clip for clip in clips if clip.dataset is dataset)
    return tuple(Sample(c, canonical(c.emotion)) for c in mine if canonical(c.emotion) in classes)
