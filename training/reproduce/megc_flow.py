"""Leave one subject out on real onset-to-apex flow: MSJFN from synthetic weights, and an RBF-SVM.

Networks of folds are thrown away. Their answers are kept, so that what was interrupted goes on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from sklearn.svm import SVC
from torch import Tensor
from tqdm import tqdm

from training import flow_weights
from training.flow_judge import Scores, scored, spread
from training.flow_set import CLASSES, FlowSet, row_of
from training.flow_task import Schedule, asked, prepared, taught
from training.losses import balanced
from training.protocols.fitting import require
from training.protocols.folds import loso
from training.protocols.pooled import Predictions
from training.protocols.split import Fold, Part, Pool, Role

NAME: Final = "megc-flow"
FILE: Final = Path("megc_flow") / "casme2_smic_flow28.npz"
FINE: Final = Schedule(epochs=5, learning_rate=1e-3, batch_size=32)
PROTOCOL: Final = (
    "leave one subject out, pooled over folds; MSJFN taught by synthetic flow, then by the other "
    "people's flow for a fixed number of epochs; last epoch kept, no choice on validation or test; "
    "mean over the picture and its mirror image"
)
_BOX: Final = 10.0
"""C of the SVM."""

Answers = npt.NDArray[np.float32]
"""f32 [N, classes]: probabilities or votes, in the order of the set's rows"""
Answer = Callable[[Fold], Answers]
"""Of the test clips of a fold, f32 [n, classes]."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Weights to start from have one file a seed."""

    data: Path
    runs: Path
    seeds: int = 3
    weights: Path = flow_weights.FOLDER


def table(request: Request) -> dict[str, object]:
    """Scores of each seed, of their mean probabilities, of the SVM, and of both, in the same folds.

    The SVM's votes count by their softmax, as much as all seeds together.
    """
    flow = FlowSet.load(request.data)
    pool = flow.pool()
    asked_for = flow_weights.seeds_in(request.weights)[: request.seeds]
    found = {seed: _network_answers(request, flow, pool, seed) for seed in asked_for}
    together, votes = np.mean(list(found.values()), axis=0), svm_answers(flow, pool)
    by_seed = {seed: _scored(flow, pool, answers) for seed, answers in found.items()}
    return {
        "table": NAME,
        "protocol": PROTOCOL,
        "schedule": asdict(FINE),
        "classes": list(CLASSES),
        "subjects": len(pool.subjects),
        "seeds_together": _scored(flow, pool, together),
        "mean_of_seeds": spread(list(by_seed.values())),
        "seeds": by_seed,
        "rbf_svm": _scored(flow, pool, votes),
        "seeds_and_svm_together": _scored(flow, pool, together + softmax(votes, axis=1)),
    }


def svm_answers(flow: FlowSet, pool: Pool) -> Answers:
    """Votes of an RBF-SVM on raw pixels; its kernel's width comes from each fold's training."""
    pixels = flow.flow.reshape(len(flow.flow), -1).astype(np.float32) / 255
    norms = (pixels**2).sum(axis=1)
    apart = np.maximum(norms[:, None] + norms[None] - 2 * pixels @ pixels.T, 0)

    def answer(fold: Fold) -> Answers:
        learnt, tested = _rows(fold.train, Role.TRAIN), _rows(fold.test, Role.TEST)
        width = 1 / (pixels.shape[1] * pixels[learnt].var())
        machine = SVC(C=_BOX, kernel="precomputed", decision_function_shape="ovr")
        machine.fit(np.exp(-width * apart[np.ix_(learnt, learnt)]), flow.label[learnt])
        votes = machine.decision_function(np.exp(-width * apart[np.ix_(tested, learnt)]))
        return np.asarray(votes, dtype=np.float32)

    return gathered(pool, answer, folds(pool))


def tuned(fold: Fold, pictures: Tensor, labels: Tensor, start: Path, seed: int) -> Answers:
    """Probabilities for the fold's test clips by a network that learnt from its others alone.

    Raises LeakError where the network to start from was taught by pictures of the test's people.
    """
    learnt, tested = _rows(fold.train, Role.TRAIN), _rows(fold.test, Role.TEST)
    network = flow_weights.load(start, fold.test.subjects)
    counts = np.bincount(labels[learnt].numpy(), minlength=len(CLASSES)).tolist()
    taught(network, pictures[learnt], labels[learnt], FINE, seed, balanced(counts).float())
    answers: Answers = asked(network, pictures[tested]).numpy()
    return answers


def folds(pool: Pool) -> list[Fold]:
    """One a person, without validation: nothing is chosen."""
    return list(loso(pool, validation_share=0.0, seed=0))


def gathered(pool: Pool, answer: Answer, every: Iterable[Fold]) -> Answers:
    """The answers of all folds in the order of the rows."""
    answers = np.zeros((len(pool.samples), len(CLASSES)), dtype=np.float32)
    for fold in every:
        answers[_rows(fold.test, Role.TEST)] = answer(fold)
    return answers


def _network_answers(request: Request, flow: FlowSet, pool: Pool, seed: int) -> Answers:
    start = flow_weights.file_of(request.weights, seed)
    place = request.runs / NAME / _key(request.data, start) / f"seed-{seed}"
    place.mkdir(parents=True, exist_ok=True)
    pictures, labels = prepared(flow.flow), torch.from_numpy(flow.label)

    def answer(fold: Fold) -> Answers:
        file = place / f"{fold.name.replace(':', '-')}.json"
        if not file.is_file():
            found = tuned(fold, pictures, labels, start, seed)
            file.write_text(json.dumps(found.tolist()) + "\n", encoding="utf-8")
        return np.array(json.loads(file.read_text(encoding="utf-8")), dtype=np.float32)

    return gathered(pool, answer, tqdm(folds(pool), desc=f"seed {seed}"))


def _key(data: Path, start: Path) -> str:
    """Other data, weights or schedule are another run."""
    told = hashlib.sha256(data.read_bytes() + start.read_bytes())
    told.update(json.dumps(asdict(FINE), sort_keys=True).encode())
    return told.hexdigest()[:8]


def _rows(part: Part, role: Role) -> npt.NDArray[np.intp]:
    require(part, role, "rows")
    return np.array([row_of(sample) for sample in part.samples], dtype=np.intp)


def _scored(flow: FlowSet, pool: Pool, answers: Answers) -> dict[str, Scores]:
    """Pooled over folds; `Predictions` refuses a clip that is missing or judged twice."""
    predictions, best = Predictions(pool, CLASSES), answers.argmax(axis=1)
    for fold in folds(pool):
        predictions.add(fold, [CLASSES[best[row]] for row in _rows(fold.test, Role.TEST)])
    predictions.scores()
    return scored(flow, best.astype(np.int64))
