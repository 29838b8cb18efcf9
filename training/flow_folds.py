"""What learns from real onset-to-apex flow, fold by fold; MSJFN from synthetic weights.

Networks of folds are thrown away. Their answers are kept, so that what was interrupted goes on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from training import flow_weights
from training.flow_set import CLASSES, FlowSet, row_of
from training.flow_task import Schedule, asked, prepared, taught
from training.losses import balanced
from training.protocols.fitting import require
from training.protocols.folds import loso
from training.protocols.split import Fold, Part, Pool, Role

FINE: Final = Schedule(epochs=5, learning_rate=1e-3, batch_size=32)
"""Of the networks, for every fold."""

Answers = npt.NDArray[np.float32]
"""f32 [N, classes]: probabilities, in the order of the set's rows"""
Rows = npt.NDArray[np.intp]
Learner = Callable[[Fold], Answers]
"""Learns from the train side of a fold; of its clips of validation, then of test, the answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Weights to start from have one file a seed."""

    data: Path
    runs: Path
    seeds: int = 5
    weights: Path = flow_weights.FOLDER
    processes: int = 1
    name: str = "megc-flow"
    """Folder under `runs` where answers are kept."""


@dataclass(frozen=True, slots=True)
class Material:
    """A set as learners take it."""

    flow: FlowSet
    pool: Pool
    pictures: Tensor
    labels: Tensor

    @classmethod
    def of(cls, flow: FlowSet) -> Self:
        """Raises LeakError where one picture is there twice."""
        return cls(flow, flow.pool(), prepared(flow.flow), torch.from_numpy(flow.label))


def networks(request: Request, material: Material, seed: int) -> Learner:
    """MSJFN of a seed, taught further by the people of a fold; or its answers, where kept."""
    start = flow_weights.file_of(request.weights, seed)
    place = request.runs / request.name / _key(request.data, start) / f"seed-{seed}"
    place.mkdir(parents=True, exist_ok=True)

    def answer(fold: Fold) -> Answers:
        file = place / f"{fold.name.replace(':', '-')}.json"
        if not file.is_file():
            found = tuned(fold, material, start, seed)
            file.write_text(json.dumps(found.tolist()) + "\n", encoding="utf-8")
        return np.array(json.loads(file.read_text(encoding="utf-8")), dtype=np.float32)

    return answer


def tuned(fold: Fold, material: Material, start: Path, seed: int) -> Answers:
    """Probabilities for the clips held out by a network that learnt from the others alone.

    Rarer classes weigh more. Raises LeakError where the network to start from was taught by
    pictures of people it would be asked about.
    """
    learnt = rows_of(fold.train, Role.TRAIN)
    network = flow_weights.load(start, fold.test.subjects | fold.validation.subjects)
    labels = material.labels[learnt]
    counts = np.bincount(labels.numpy(), minlength=len(CLASSES)).tolist()
    weights = balanced(counts).float()
    taught(network, material.pictures[learnt], labels, FINE, seed, weights)
    answers: Answers = asked(network, material.pictures[held_out(fold)]).numpy()
    return answers


def folds(pool: Pool) -> list[Fold]:
    """One a person, without validation: what is chosen is chosen beforehand, by others."""
    return list(loso(pool, validation_share=0.0, seed=0))


def gathered(pool: Pool, learner: Learner, every: Iterable[Fold], named: str = "") -> Answers:
    """The answers of all folds in the order of the rows."""
    answers = np.zeros((len(pool.samples), len(CLASSES)), dtype=np.float32)
    for fold in tqdm(list(every), desc=named, disable=not named):
        answers[rows_of(fold.test, Role.TEST)] = learner(fold)
    return answers


def rows_of(part: Part, role: Role) -> Rows:
    """Rows of a part's clips. Raises LeakError where it has another role."""
    require(part, role, "rows")
    return np.array([row_of(sample) for sample in part.samples], dtype=np.intp)


def held_out(fold: Fold) -> Rows:
    """Rows of validation, then of test."""
    parts = (rows_of(fold.validation, Role.VALIDATION), rows_of(fold.test, Role.TEST))
    return np.concatenate(parts)


def _key(data: Path, start: Path) -> str:
    """Other data, weights or schedule are another run."""
    told = hashlib.sha256(data.read_bytes() + start.read_bytes())
    told.update(json.dumps(asdict(FINE), sort_keys=True).encode())
    return told.hexdigest()[:8]
