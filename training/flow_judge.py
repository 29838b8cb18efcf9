"""`python -m training.evaluate flow --data FILE --recognizer msjfn`: zero-shot on real flow."""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from training import flow_weights
from training.flow_set import CLASSES, FlowSet
from training.flow_task import asked, prepared
from training.metrics import Labels, accuracy, confusion_matrix, uar, uf1

RECOGNIZERS: Final = ("msjfn",)
PROTOCOL: Final = (
    "zero-shot: taught by synthetic flow alone, each clip judged by itself, "
    "mean over the picture and its mirror image"
)
Scores = dict[str, object]
_DRAWS, _SEED = 2000, 0
_FIGURES: Final = ("uf1", "uar", "accuracy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    group = parser.add_argument_group("flow")
    group.add_argument("--data", type=Path, metavar="FILE", help="a flow set, .npz")
    group.add_argument("--recognizer", choices=RECOGNIZERS, default="msjfn")
    group.add_argument("--weights", type=Path, default=flow_weights.FOLDER, metavar="DIR")


def judge(chosen: argparse.Namespace) -> dict[str, object]:
    """Scores of every seed, their spread, and of the mean of their probabilities."""
    flow = FlowSet.load(chosen.data)
    people, pictures = set(flow.subject.tolist()), prepared(flow.flow)
    found = {
        seed: asked(
            flow_weights.load(flow_weights.file_of(chosen.weights, seed), people), pictures
        ).numpy()
        for seed in flow_weights.seeds_in(chosen.weights)
    }
    by_seed = {seed: scored(flow, answer.argmax(axis=1)) for seed, answer in found.items()}
    together = np.mean(list(found.values()), axis=0).argmax(axis=1)
    usual = np.full(len(flow.label), np.bincount(flow.label).argmax(), dtype=np.int64)
    return {
        "protocol": PROTOCOL,
        "recognizer": chosen.recognizer,
        "data": {
            "sha256": hashlib.sha256(chosen.data.read_bytes()).hexdigest(),
            "clips": len(flow.label),
            "people": len(people),
        },
        "classes": list(CLASSES),
        "mean_of_seeds": spread(list(by_seed.values())),
        "seeds": by_seed,
        "seeds_together": scored(flow, together),
        "most_frequent_class": scored(flow, usual),
    }


def scored(flow: FlowSet, estimate: Labels) -> dict[str, Scores]:
    """Over all clips, and over those of each data set; `confusion` counts [truth][estimate]."""
    parts = {"all": np.ones(len(flow.label), dtype=np.bool_)}
    parts |= {str(name): flow.of(str(name)) for name in np.unique(flow.dataset)}
    return {name: _scores(flow.label[rows], estimate[rows]) for name, rows in parts.items()}


def spread(runs: list[dict[str, Scores]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean and standard deviation over seeds of each part's figures."""
    return {
        part: {figure: _around([_number(run[part], figure) for run in runs]) for figure in _FIGURES}
        for part in runs[0]
    }


def interval(flow: FlowSet, estimate: Labels) -> tuple[float, float]:
    """UF1 over all clips: 2.5 and 97.5 % of what it is for people drawn anew with replacement."""
    people = [np.flatnonzero(flow.subject == person) for person in np.unique(flow.subject)]
    draws = np.random.default_rng(_SEED).integers(len(people), size=(_DRAWS, len(people)))
    rows = (np.concatenate([people[person] for person in draw]) for draw in draws)
    drawn = [uf1(flow.label[each], estimate[each], len(CLASSES)) for each in rows]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def _scores(truth: Labels, estimate: Labels) -> Scores:
    count = len(CLASSES)
    return {
        "clips": len(truth),
        "uf1": round(uf1(truth, estimate, count), 4),
        "uar": round(uar(truth, estimate, count), 4),
        "accuracy": round(accuracy(truth, estimate), 4),
        "confusion": confusion_matrix(truth, estimate, count).tolist(),
    }


def _number(scores: Mapping[str, object], figure: str) -> float:
    value = scores[figure]
    return float(value) if isinstance(value, float) else float("nan")


def _around(values: list[float]) -> dict[str, float]:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 4), "spread": round(deviation, 4)}
