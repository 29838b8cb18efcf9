from collections.abc import Callable

from training.datasets.clip import DatasetName
from training.protocols.composite import megc2019
from training.protocols.five_class import five_class
from training.protocols.sample import Sample

MakeSample = Callable[..., Sample]


def test_the_composite_leaves_out_what_its_lists_leave_out(sample: MakeSample) -> None:
    def clip(name: str, emotion: str, dataset: DatasetName = DatasetName.CASME2) -> object:
        row = sample("casme2:sub04", name, dataset=dataset).clip
        return row.model_copy(update={"emotion": emotion})

    clips = [
        clip("EP1", "disgust"),
        clip("EP2", "repression"),
        clip("EP12_01f", "disgust"),
        clip("EP3", "sadness"),
        clip("EP4", "fear"),
        clip("a", "Sadness", DatasetName.SAMM),
        clip("b", "fear", DatasetName.MMEW),
    ]

    kept = [entry.clip.clip_id for entry in megc2019(clips)]

    assert kept == ["casme2:sub04/EP1", "casme2:sub04/EP2", "samm:sub04/a"]


def test_five_classes_keep_others_and_drop_the_rare(sample: MakeSample) -> None:
    emotions = ("Other", "Anger", "Fear", "Contempt")
    clips = [
        sample("samm:006", name, dataset=DatasetName.SAMM).clip.model_copy(
            update={"emotion": name, "coarse": None}
        )
        for name in emotions
    ]

    labels = [entry.label for entry in five_class(clips, DatasetName.SAMM)]

    assert labels == ["others", "anger", "contempt"]
