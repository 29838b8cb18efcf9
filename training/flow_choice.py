"""What company suits the networks for people who are not judged, by nested validation.

People are dealt into groups. For the people of a group, a machine beside the networks is chosen by
the clips of all others, each judged by what learnt from neither of the two groups in question.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from training.flow_folds import Learner, Rows, rows_of
from training.flow_set import CLASSES, FlowSet
from training.metrics import uf1
from training.protocols.split import Fold, Pool, Role

GROUPS: Final = 5
ALONE: Final = "alone"
"""The networks' mean probabilities and no machine's."""
Outside = npt.NDArray[np.float32]
"""f32 [groups, N, classes]: answers by learners that know neither the group nor the clip's own;
those for the group's own clips are zeros."""


def dealt(pool: Pool, groups: int = GROUPS) -> dict[str, int]:
    """The group of each person: in turn, by name, so that data sets are spread evenly."""
    return {person: place % groups for place, person in enumerate(pool.subjects)}


def group_of_rows(pool: Pool, groups: int = GROUPS) -> Rows:
    """The group of each clip, in the order of the rows."""
    group = dealt(pool, groups)
    return np.array([group[sample.clip.subject] for sample in pool.samples], dtype=np.intp)


def pairs(pool: Pool, groups: int = GROUPS) -> dict[tuple[int, int], Fold]:
    """Folds that leave two groups out, one as validation and one as test."""
    members: list[set[str]] = [set() for _ in range(groups)]
    for person, group in dealt(pool, groups).items():
        members[group].add(person)
    return {
        (one, other): Fold.of(f"without {one} {other}", pool, members[one], members[other])
        for one, other in combinations(range(groups), 2)
    }


def outside(pool: Pool, learner: Learner, every: Mapping[tuple[int, int], Fold]) -> Outside:
    """What a learner says of every group's clips where another is to be judged.

    A pair serves twice, since what it learns from is the same: the clips of either group are the
    validation for the other.
    """
    groups = 1 + max(other for _, other in every)
    found = np.zeros((groups, len(pool.samples), len(CLASSES)), dtype=np.float32)
    for (one, other), fold in every.items():
        validation, test = rows_of(fold.validation, Role.VALIDATION), rows_of(fold.test, Role.TEST)
        answers = learner(fold)
        found[one, validation] = answers[: len(validation)]
        found[other, test] = answers[len(validation) :]
    return found


def scores(flow: FlowSet, said: Outside, group: Rows) -> list[float]:
    """For each group, UF1 over the clips of all others."""
    return [
        uf1(flow.label[group != one], said[one, group != one].argmax(axis=1), len(CLASSES))
        for one in range(len(said))
    ]


def chosen(scored: Mapping[str, Sequence[float]]) -> list[str]:
    """For each group the candidate that scores best without it, the first of equals."""
    candidates = list(scored)
    table = np.array([scored[candidate] for candidate in candidates])
    return [candidates[best] for best in table.argmax(axis=0)]
