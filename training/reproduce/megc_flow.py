"""Leave one subject out on real onset-to-apex flow: networks, and what keeps them company.

The predictor is fixed: the mean of all seeds' networks, and an SVM on raw pixels that counts as
much as they. Beside it, the company is chosen for each group of people by the clips of the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch

from training import flow_weights
from training.flow_choice import (
    ALONE,
    GROUPS,
    Outside,
    chosen,
    group_of_rows,
    outside,
    pairs,
    scores,
)
from training.flow_folds import (
    FINE,
    Answers,
    Learner,
    Material,
    Request,
    folds,
    gathered,
    held_out,
    networks,
)
from training.flow_judge import Scores, interval, scored, spread
from training.flow_machines import MACHINES
from training.flow_set import CLASSES, FlowSet
from training.processes import process_pool
from training.protocols.pooled import Predictions
from training.protocols.split import Pool

NAME: Final = "megc-flow"
FILE: Final = Path("megc_flow") / "casme2_smic_flow28.npz"
COMPANY: Final = "svm"
"""The machine of the fixed predictor."""
PROTOCOL: Final = (
    "leave one subject out, pooled over folds; MSJFN taught by synthetic flow, then by the other "
    "people's flow for a fixed number of epochs, mean over seeds, picture and mirror image; "
    "together: these and an RBF-SVM on raw pixels, with equal weight; nested: the machine beside "
    "the networks chosen for each group of people by validation on the other groups"
)
T = TypeVar("T")
Votes = Mapping[str, Answers]
"""Of the machines, each in the folds that leave one person out."""


def table(request: Request, groups: int = GROUPS) -> dict[str, object]:
    """Scores of the predictor, of its parts, and of what else there is, in the same folds.

    Its spread is that over predictors without one of the seeds, its interval that over people.
    """
    material = Material.of(FlowSet.load(request.data))
    seeds = flow_weights.seeds_in(request.weights)[: request.seeds]
    machines = {name: make(material) for name, make in MACHINES.items()}
    validated = _each_seed(request, partial(_outside, request, groups), seeds)
    tried = _tried(material, np.mean(validated, axis=0), machines)
    taken = chosen(tried)
    votes = {
        name: gathered(material.pool, each, folds(material.pool)) for name, each in machines.items()
    }
    answers = _each_seed(request, partial(_answers, request), seeds)
    return {
        "table": NAME,
        "protocol": PROTOCOL,
        "schedule": asdict(FINE),
        "nested_uf1": {name: np.round(each, 4).tolist() for name, each in tried.items()},
        "chosen": taken,
        "classes": list(CLASSES),
        "subjects": len(material.pool.subjects),
        **_figures(material, dict(zip(seeds, answers, strict=True)), votes, taken),
    }


def _figures(
    material: Material, said: Mapping[int, Answers], votes: Votes, taken: Sequence[str]
) -> dict[str, object]:
    def judged(answers: Answers) -> dict[str, Scores]:
        return _scored(material.flow, material.pool, answers)

    every, votes_of = list(said.values()), votes[COMPANY]
    seeds = {seed: judged(answers) for seed, answers in said.items()}
    fewer = [every[:place] + every[place + 1 :] for place in range(len(every))]
    without = [judged(np.mean(each, axis=0) + votes_of) for each in fewer if each]
    mean = np.mean(every, axis=0)
    estimate = (mean + votes_of).argmax(axis=1).astype(np.int64)
    return {
        "together": judged(mean + votes_of),
        "together_without_one_seed": spread(without) if without else {},
        "together_interval_over_people": interval(material.flow, estimate),
        "networks": judged(mean),
        "mean_of_single_networks": spread(list(seeds.values())),
        "seeds": seeds,
        "machines": {name: judged(each) for name, each in votes.items()},
        "networks_and": {name: judged(mean + each) for name, each in votes.items()},
        "nested": judged(mean + _beside(material, votes, taken)),
    }


def _each_seed(request: Request, work: Callable[[int], T], seeds: Sequence[int]) -> list[T]:
    if request.processes == 1:
        return list(map(work, seeds))
    with process_pool(request.processes) as pool:
        return list(pool.map(work, seeds))


def _outside(request: Request, groups: int, seed: int) -> Outside:
    """What the networks of a seed say for the choice."""
    torch.set_num_threads(1)
    material = Material.of(FlowSet.load(request.data))
    learner = networks(request, material, seed)
    return outside(material.pool, learner, pairs(material.pool, groups))


def _tried(
    material: Material, mean: Outside, machines: Mapping[str, Learner]
) -> dict[str, list[float]]:
    """For every company, UF1 on the clips outside each group."""
    pool, groups = material.pool, len(mean)
    group, every = group_of_rows(pool, groups), pairs(pool, groups)
    company = {name: outside(pool, each, every) for name, each in machines.items()}
    return {
        name: scores(material.flow, mean + beside, group)
        for name, beside in {ALONE: np.zeros_like(mean), **company}.items()
    }


def _answers(request: Request, seed: int) -> Answers:
    """What the networks of a seed say of each person."""
    torch.set_num_threads(1)
    material = Material.of(FlowSet.load(request.data))
    learner = networks(request, material, seed)
    return gathered(material.pool, learner, folds(material.pool), f"seed {seed}")


def _beside(material: Material, votes: Votes, taken: Sequence[str]) -> Answers:
    """What the machine chosen for each clip's person says of it; zeros where it is none."""
    group = group_of_rows(material.pool, len(taken))
    none = np.zeros((len(group), len(CLASSES)), dtype=np.float32)
    said = {ALONE: none, **votes}
    return np.stack([said[taken[own]][row] for row, own in enumerate(group)])


def _scored(flow: FlowSet, pool: Pool, answers: Answers) -> dict[str, Scores]:
    """Pooled over folds; `Predictions` refuses a clip that is missing or judged twice."""
    predictions, best = Predictions(pool, CLASSES), answers.argmax(axis=1)
    for fold in folds(pool):
        predictions.add(fold, [CLASSES[best[row]] for row in held_out(fold)])
    predictions.scores()
    return scored(flow, best.astype(np.int64))
