"""From a licence holder's folder to a table of the paper: spreadsheet, clips, folds, scores."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tqdm import tqdm

from training.clip_task import answers, teach
from training.datasets.check import check
from training.datasets.clip import ClipRow, DatasetName
from training.datasets.observed import Eye, Seen
from training.experiment import Experiment
from training.loop import Batch
from training.losses import balanced
from training.protocols.composite import megc2019
from training.protocols.five_class import FIVE_CLASSES, five_class
from training.protocols.folds import loso
from training.protocols.pooled import Predictions
from training.protocols.sample import Sample
from training.protocols.split import Fold, LeakError, Pool, Step, StepKind

CONFIG: Final = Path(__file__).parent.parent / "configs" / "licensed.toml"
_COARSE: Final = ("negative", "positive", "surprise")


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which data sets a table is of, in which classes."""

    datasets: tuple[DatasetName, ...]
    classes: tuple[str, ...]
    chosen: Callable[[Sequence[ClipRow]], tuple[Sample, ...]]


def _smic(clips: Sequence[ClipRow]) -> tuple[Sample, ...]:
    return tuple(Sample(clip, clip.coarse) for clip in clips if clip.coarse is not None)


def _five(dataset: DatasetName) -> Protocol:
    def chosen(clips: Sequence[ClipRow]) -> tuple[Sample, ...]:
        return five_class(clips, dataset)

    return Protocol((dataset,), FIVE_CLASSES[dataset], chosen)


TABLES: Final[Mapping[str, Protocol]] = {
    "casme2": _five(DatasetName.CASME2),
    "samm": _five(DatasetName.SAMM),
    "smic": Protocol((DatasetName.SMIC_HS,), _COARSE, _smic),
    "composite": Protocol(
        (DatasetName.SMIC_HS, DatasetName.CASME2, DatasetName.SAMM), _COARSE, megc2019
    ),
}


@dataclass(frozen=True, slots=True)
class Material:
    """The clips of a table, observed; those without a visible face are left out and named."""

    pool: Pool
    seen: Mapping[str, Seen]
    left_out: tuple[str, ...]
    classes: tuple[str, ...]

    def batch(self, samples: Sequence[Sample], frames: int) -> Batch:
        """Crops, depth, AU change and class of some samples, of so many frames each."""
        seen = [self.seen[sample.clip.clip_id] for sample in samples]
        step = len(seen[0].crops) // frames
        streams = (
            np.stack([getattr(clip, name)[::step] for clip in seen])
            for name in ("crops", "depth", "action_units")
        )
        classes = [self.classes.index(sample.label) for sample in samples]
        return (*(torch.from_numpy(stream) for stream in streams), torch.tensor(classes))


def observed(name: str, folder: Path, runs: Path) -> Material:
    """Everything of a table's data sets in `folder`. Raises ValueError where there is nothing."""
    protocol = TABLES[name]
    clips = [clip for clip in check(folder, protocol.datasets).clips if clip.path is not None]
    eye = Eye(runs / "data" / "licensed")
    samples = protocol.chosen(clips)
    looked = {s.clip.clip_id: eye.see(s.clip) for s in tqdm(samples, desc="observing")}
    seen = {clip: found for clip, found in looked.items() if found is not None}
    kept = tuple(sample for sample in samples if sample.clip.clip_id in seen)
    if not kept:
        raise ValueError(f"no usable clip of {name} in {folder}: madv-data check {folder} says why")
    pool = Pool(kept, (Step(StepKind.PER_CLIP, "registered crops"),))
    return Material(pool, seen, tuple(sorted(looked.keys() - seen.keys())), protocol.classes)


def table(
    name: str, folder: Path, runs: Path, config: Path = CONFIG, *, folds: int | None = None
) -> dict[str, object]:
    """Leave one subject out, scores pooled over all folds; folds that were logged are read.

    With `folds` only so many people are tested, and nothing is scored that was not.
    """
    material, experiment = observed(name, folder, runs), Experiment.load(config)
    everyone = loso(material.pool, validation_share=0.0, seed=experiment.recipe.seed)
    tested = list(islice(everyone, folds))
    people = {fold.name for fold in tested}
    _refuse_known(experiment.start, people)
    scored = Pool(material.pool.of(people), material.pool.steps)
    predictions = Predictions(scored, material.classes)
    for fold in tested:
        place = runs / name / experiment_key(experiment) / fold.name.replace(":", "-")
        predictions.add(fold, _answered(fold, material, experiment, place))
    datasets = sorted({sample.clip.dataset for sample in scored.samples})
    return {
        "table": name,
        "protocol": "leave one subject out, pooled over folds",
        "classes": list(material.classes),
        "subjects": len(people),
        "left_out": list(material.left_out),
        "scores": asdict(predictions.scores()),
        "by_dataset": {str(d): asdict(predictions.scores_of(d)) for d in datasets},
    }


def whole(name: str, folder: Path, runs: Path, config: Path = CONFIG) -> Path:
    """One network on every clip of a table, for others to start from; its checkpoint."""
    material, experiment = observed(name, folder, runs), Experiment.load(config)
    place = runs / f"{name}-whole"
    _taught(material.pool.samples, material, experiment, place)
    return place / "last.pt"


def experiment_key(experiment: Experiment) -> str:
    """Another configuration is another run."""
    told = json.dumps([experiment.told(), asdict(experiment.recipe)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _answered(fold: Fold, material: Material, experiment: Experiment, place: Path) -> list[str]:
    """Classes of the fold's test clips, by a network that learnt from the others alone."""
    file, asked = place / "answers.json", [sample.clip.clip_id for sample in fold.test.samples]
    if file.is_file():
        logged: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        if list(logged) != asked:
            raise ValueError(f"{file} is about other clips: remove {place}")
        return list(logged.values())
    network = _taught(fold.train.samples, material, experiment, place)
    frames = experiment.network.frames
    best = answers(network, material.batch(fold.test.samples, frames)).argmax(dim=1)
    named = [material.classes[index] for index in best.tolist()]
    text = json.dumps(dict(zip(asked, named, strict=True)), indent=1)
    file.write_text(text + "\n", encoding="utf-8")
    return named


def _taught(
    samples: Sequence[Sample], material: Material, experiment: Experiment, place: Path
) -> torch.nn.Module:
    """A network with heads of the table's classes, rarer ones weighing more."""
    counts = [sum(s.label == name for s in samples) for name in material.classes]
    weights = tuple(balanced(counts).tolist())
    recipe = experiment.recipe
    fitted = replace(
        experiment,
        network=replace(experiment.network, classes=len(counts)),
        loss=replace(experiment.loss, class_weights=experiment.loss.class_weights or weights),
        recipe=replace(recipe, batch_size=min(recipe.batch_size, len(samples))),
    )
    people = sorted({sample.clip.subject for sample in samples} | _known(experiment.start))
    batch = material.batch(samples, experiment.network.frames)
    return teach(fitted, batch, place, told={"people": people})


def _refuse_known(start: str, tested: Collection[str]) -> None:
    """Raises LeakError where the network to start from was trained on people of the test."""
    if shared := sorted(_known(start) & set(tested)):
        raise LeakError(f"{start} was trained on {', '.join(shared)}, who are tested")


def _known(start: str) -> set[str]:
    """People of a checkpoint, and of those that it started from."""
    if not start:
        return set()
    state = torch.load(start, map_location="cpu", weights_only=True)
    return set(state.get("configuration", {}).get("data", {}).get("people", ()))
