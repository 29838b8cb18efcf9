"""The composite of MEGC 2019: SMIC-HS, CASME II and SAMM in three classes, 442 clips of 68 people.

Its lists differ from the sheets in what they leave out: CASME II's sadness and fear, everything
labelled others, and two clips of disgust.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from training.datasets.clip import ClipRow, DatasetName
from training.datasets.emotions import canonical
from training.protocols.sample import Counts, Sample

_EMOTIONS: Final[Mapping[DatasetName, frozenset[str]]] = {
    DatasetName.SMIC_HS: frozenset({"positive", "negative", "surprise"}),
    DatasetName.CASME2: frozenset({"happiness", "disgust", "repression", "surprise"}),
    DatasetName.SAMM: frozenset(
        {"happiness", "surprise", "anger", "contempt", "disgust", "fear", "sadness"}
    ),
}
_LEFT_OUT: Final = frozenset({"casme2:sub04/EP12_01f", "casme2:sub05/EP09_05f"})

COUNTS: Final[Mapping[DatasetName, Counts]] = {
    DatasetName.CASME2: Counts({"negative": 88, "positive": 32, "surprise": 25}, 24),
    DatasetName.SMIC_HS: Counts({"negative": 70, "positive": 51, "surprise": 43}, 16),
    DatasetName.SAMM: Counts({"negative": 92, "positive": 26, "surprise": 15}, 28),
}
"""As in the list of the challenge."""


def megc2019(clips: Iterable[ClipRow]) -> tuple[Sample, ...]:
    """The clips of the composite, in its three classes; all others are passed over."""
    return tuple(
        Sample(clip, clip.coarse)
        for clip in clips
        if clip.coarse is not None
        and canonical(clip.emotion) in _EMOTIONS.get(clip.dataset, frozenset())
        and clip.clip_id not in _LEFT_OUT
    )
