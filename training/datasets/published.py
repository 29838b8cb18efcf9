"""How many clips, classes and people each data set was published with, to compare against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from training.datasets.clip import DatasetName


@dataclass(frozen=True, slots=True)
class Published:
    """Counts of annotated clips; None and missing classes are not compared.

    `subjects` are people with at least one clip.
    """

    clips: int
    subjects: int | None = None
    emotions: Mapping[str, int] = field(default_factory=dict)


PUBLISHED: Final[Mapping[DatasetName, Published]] = {
    DatasetName.SMIC_HS: Published(164, 16, {"negative": 70, "positive": 51, "surprise": 43}),
    DatasetName.SMIC_VIS: Published(71, 8, {"negative": 23, "positive": 28, "surprise": 20}),
    DatasetName.SMIC_NIR: Published(71, 8, {"negative": 23, "positive": 28, "surprise": 20}),
    DatasetName.CASME2: Published(
        255,
        26,
        {
            "others": 99,
            "disgust": 63,
            "happiness": 32,
            "repression": 27,
            "surprise": 25,
            "sadness": 7,
            "fear": 2,
        },
    ),
    DatasetName.CASME_SQ: Published(
        57, None, {"negative": 21, "others": 19, "surprise": 9, "positive": 8}
    ),
    DatasetName.SAMM: Published(
        159,
        29,
        {
            "anger": 57,
            "happiness": 26,
            "others": 26,
            "surprise": 15,
            "contempt": 12,
            "disgust": 9,
            "fear": 8,
            "sadness": 6,
        },
    ),
    DatasetName.MMEW: Published(
        300,
        None,
        {
            "others": 66,
            "surprise": 89,
            "disgust": 72,
            "happiness": 36,
            "fear": 16,
            "sadness": 13,
            "anger": 8,
        },
    ),
    DatasetName.CASME3_A: Published(
        860,
        94,
        {
            "disgust": 250,
            "surprise": 187,
            "others": 161,
            "fear": 86,
            "anger": 64,
            "sadness": 57,
            "happiness": 55,
        },
    ),
    DatasetName.CASME3_C: Published(166),
    DatasetName.FOURDME: Published(267),
    DatasetName.DFME: Published(7526),
}
