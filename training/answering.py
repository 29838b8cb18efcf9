"""What the exported networks of emotions say of the benchmark's clips, fed as they are served."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from training.benchmark.clips import Clips
from training.clip_batch import enlarged, tensors
from training.served import as_served
from worker.backend import Tensor
from worker.domain import FloatArray
from worker.models.registry import recognizer
from worker.specs import CLIP_FRAMES, MADVNET, ModelSpec


def answers(network: Path, clips: Clips, spec: ModelSpec = MADVNET) -> FloatArray:
    """Probabilities f32 [N, labels] of an exported network of emotions."""
    session = ort.InferenceSession(str(network))
    seen = (session.run(["probabilities"], dict(inputs))[0] for inputs in feeds(clips, spec))
    return np.stack(list(seen))


def feeds(clips: Clips, spec: ModelSpec) -> Iterator[Mapping[str, Tensor]]:
    """What a network is given for each clip: crops, kept streams, what its recognizer prepares."""
    prepare = recognizer(spec.name).prepare
    for gray, relief, change in zip(*tensors(clips, CLIP_FRAMES)[:3], strict=True):
        crops: npt.NDArray[np.uint8] = as_served(gray.numpy())
        large = enlarged(relief[None], gray[None])[0].numpy()
        given = {**prepare(crops, crops[:1]), "depth": large, "action_units": change.numpy()}
        yield {tensor.name: given[tensor.name] for tensor in spec.inputs}
