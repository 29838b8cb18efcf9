"""The exported models as they are served, on aligned crops: what evaluation judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from worker.backend import Deadline, Tensor
from worker.domain import EventSpan, FloatArray
from worker.models import au
from worker.preprocess.sampling import event_frames
from worker.specs import AU, CLIP_FRAMES, DEPTH, FACE, MADVNET, ModelSpec

Crops = npt.NDArray[np.uint8]

_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Recognition:
    """probabilities f32 [8], level_probabilities f32 [3, 8], gate f32 [4]; span None: no event."""

    probabilities: FloatArray
    level_probabilities: FloatArray
    gate: FloatArray
    span: EventSpan | None


class ServedModels:
    """`face`, `au`, `depth` and `madvnet` of a model repository through onnxruntime."""

    def __init__(self, repository: Path, threads: int = 0) -> None:
        """Load the sessions; 0 threads means one for each core."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _ERRORS  # the detector's graph declares sizes it does not keep
        self._sessions = {
            spec.name: ort.InferenceSession(
                str(repository / spec.name / "1" / "model.onnx"), options
            )
            for spec in (FACE, AU, DEPTH, MADVNET)
        }

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model, as a model server gives them."""
        deadline.remaining_s()
        names = list(outputs)
        return dict(zip(names, self._sessions[model].run(names, dict(inputs)), strict=True))

    def action_units(self, crops: Crops, reference: Crops) -> FloatArray:
        """Change f32 [N, 2, K] of crops uint8 [N, 3, S, S] against one crop [1, 3, S, S]."""
        windows = au.windows(crops, reference)
        return au.interpret([self._run(AU, *window.values()) for window in windows])

    def depth(self, crops: Crops) -> FloatArray:
        """Inverse depth f32 [N, 1, S, S]."""
        return self._run(DEPTH, crops)["depth"]

    def recognise(
        self, crops: Crops, trace: FloatArray, pts_s: npt.NDArray[np.float64]
    ) -> Recognition:
        """Spot the event in a clip by its trace, sample it and classify, as the service does."""
        span, sampled = event_frames(trace, pts_s, CLIP_FRAMES)
        clip = crops[sampled]
        change = self.action_units(clip, clip[:1])
        outputs = self._run(MADVNET, clip, self.depth(clip), change)
        return Recognition(
            outputs["probabilities"], outputs["level_probabilities"], outputs["gate"], span
        )

    def _run(self, spec: ModelSpec, *arrays: npt.NDArray[np.generic]) -> dict[str, FloatArray]:
        names = [tensor.name for tensor in spec.outputs]
        feeds = {tensor.name: array for tensor, array in zip(spec.inputs, arrays, strict=True)}
        return dict(zip(names, self._sessions[spec.name].run(names, feeds), strict=True))


def as_served(gray: Crops) -> Crops:
    """Gray crops uint8 [N, S, S] as RGB crops uint8 [N, 3, S, S]."""
    return np.repeat(gray[:, None], 3, axis=1)
