"""The served recognizers of emotions and their mean, on the test clips of the benchmark."""

import time
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import onnxruntime as ort
from threadpoolctl import threadpool_limits

from training import size
from training.answering import answers, feeds
from training.benchmark import manifest
from training.benchmark.clips import TRACKS, Clips, load_clips
from training.metrics import accuracy, uf1
from worker.domain import FloatArray
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import (
    AU,
    CLIP_FRAMES,
    COARSE_LABELS,
    DEPTH,
    EMOTION_NETWORKS,
    LABELS,
    NEUTRAL,
    ModelSpec,
)

ENSEMBLE: Final = "ensemble"
NAMES: Final = (*(network.name for network in EMOTION_NETWORKS), ENSEMBLE)
_TIMED: Final = 20
"""Clips."""


def table(data: Path, model_repo: Path, only: Collection[str] = ()) -> dict[str, object]:
    """A row for each recognizer; `only` leaves out others, and the ensemble where one is missing.

    `parameters_m` and `mmacs` are of the network alone, `mmacs_in_all` with the networks that
    measure AUs, and depth where it is seen, on every crop. `cpu_ms` is processor time on one thread
    for what is prepared and for the network: the median of some clips.
    """
    benchmark = manifest.made(data)
    clips = load_clips(data, "test", benchmark.splits["test"].clips)
    asked = [spec for spec in EMOTION_NETWORKS if not only or {spec.name, ENSEMBLE} & set(only)]
    said = {spec.name: answers(_network(model_repo, spec), clips, spec) for spec in asked}
    rows = {spec.name: _costs(spec, model_repo, clips) for spec in asked}
    if len(asked) == len(EMOTION_NETWORKS):
        said[ENSEMBLE] = np.mean(list(said.values()), axis=0)
        rows[ENSEMBLE] = _together(rows)
    return {
        "benchmark": benchmark.name,
        "digest": benchmark.digest,
        "test_clips": len(clips.label),
        "recognizers": [
            {"name": name, **costs, **judged(said[name], clips)}
            for name, costs in rows.items()
            if not only or name in only
        ],
    }


def judged(probabilities: FloatArray, clips: Clips) -> dict[str, float]:
    """UF1 of positive, negative and surprise given an event, and accuracy of all labels, by track.

    Probabilities are f32 [N, labels].
    """
    figures = {}
    for number, track in enumerate(TRACKS):
        rows = clips.track == number
        label, seen = clips.label[rows], probabilities[rows]
        event = label != NEUTRAL
        coarse = fold(seen[event]).argmax(axis=1)
        found = uf1(COARSE_INDEX[label[event]], coarse, len(COARSE_LABELS))
        figures[f"coarse_uf1_{track}"] = round(found, 4)
        figures[f"accuracy_{len(LABELS)}_{track}"] = round(accuracy(label, seen.argmax(axis=1)), 4)
    return figures


def _costs(spec: ModelSpec, model_repo: Path, clips: Clips) -> dict[str, float]:
    own = size.measure(spec, model_repo)
    beside = [AU, *([DEPTH] if "depth" in {tensor.name for tensor in spec.inputs} else [])]
    streams = sum(size.measure(stream, model_repo)["mmacs"] for stream in beside)
    return {
        **own,
        "mmacs_in_all": round(own["mmacs"] + CLIP_FRAMES * streams, 1),
        "cpu_ms": round(_cpu_ms(spec, model_repo, clips), 1),
    }


def _cpu_ms(spec: ModelSpec, model_repo: Path, clips: Clips) -> float:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(_network(model_repo, spec)), options)
    few = clips.chosen(np.arange(len(clips.label)) < _TIMED)
    taken: list[float] = []
    # Threads that wait for work in a loop would count as work.
    with threadpool_limits(1):
        begun = time.process_time()
        for inputs in feeds(few, spec):
            session.run(["probabilities"], dict(inputs))
            taken.append(1000 * (time.process_time() - begun))
            begun = time.process_time()
    return median(taken)


def _together(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """AUs and depth are worked out once for all."""
    own = {
        name: round(sum(row[name] for row in rows.values()), 3)
        for name in ("parameters_m", "mmacs", "cpu_ms")
    }
    streams = max(row["mmacs_in_all"] - row["mmacs"] for row in rows.values())
    return {**own, "mmacs_in_all": round(own["mmacs"] + streams, 1)}


def _network(model_repo: Path, spec: ModelSpec) -> Path:
    return model_repo / spec.name / "1" / "model.onnx"
