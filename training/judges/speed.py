"""Crops per second of a served network, as a ratio to MobileNetV3-small measured beside it."""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
import torch

from training.judges.judge import Report, rounded
from training.models.mobilenet import mobilenet_v3_small
from training.size import measure
from worker.specs import AU, CROP_SIZE, ModelSpec

THREADS: Final = 2
BATCH: Final = 16
ROUNDS: Final = 25
_OPSET: Final = 17


def speed(spec: ModelSpec, repository: Path) -> Report:
    """MACs per crop; crops per second on two threads, in batches of 16, and the yardstick's.

    The two take turns, so that what else runs on the machine slows both; medians of the rounds.
    """
    crops = np.random.default_rng(0).integers(0, 256, (BATCH, 3, CROP_SIZE, CROP_SIZE), np.uint8)
    feeds = {"crops": crops} | ({"reference": crops[:1]} if spec is AU else {})
    ours = _session(repository / spec.name / "1" / "model.onnx")
    with tempfile.TemporaryDirectory() as folder:
        yardstick = _yardstick(Path(folder) / "mobilenet.onnx")
    image = crops.astype(np.float32)
    ours_s, theirs_s = _seconds(
        lambda: ours.run(None, feeds), lambda: yardstick.run(None, {"image": image})
    )
    return {
        **measure(spec, repository),
        "crops_per_s": rounded(BATCH / ours_s),
        "mobilenet_v3_small_crops_per_s": rounded(BATCH / theirs_s),
        "ratio": rounded(theirs_s / ours_s),
    }


def _seconds(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median time of each, in turns, after one warm-up."""
    taken: list[list[float]] = []
    for _ in range(ROUNDS + 1):
        taken.append([])
        for work in (one, other):
            start_s = time.perf_counter()
            work()
            taken[-1].append(time.perf_counter() - start_s)
    first, second = np.median(taken[1:], axis=0)
    return float(first), float(second)


def _yardstick(file: Path) -> ort.InferenceSession:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        # The newer exporter needs a further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            mobilenet_v3_small().eval(),
            (torch.zeros(BATCH, 3, CROP_SIZE, CROP_SIZE),),
            str(file),
            input_names=["image"],
            opset_version=_OPSET,
            dynamo=False,
        )
    return _session(file)


def _session(file: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    return ort.InferenceSession(str(file), options)
