"""A decoded clip becomes aligned crops and an AU trace: what every judgement starts from.

Serving and evaluation both come through here, so figures are measured on what is served.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.backend import Inference
from worker.contract import ErrorCode, Progress
from worker.domain import Clip, FaceBox, FloatArray, Frame, Image
from worker.errors import ClipError
from worker.models import au, face
from worker.preprocess.reference import central_frame, probed, resting_frame
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.preprocess.stabilise import LOST, Placement, stabilise
from worker.presence import FaceTrack, Status, follow, key_frames
from worker.specs import AU, FACE
from worker.task import Task

MIN_FRAMES: Final = 3
"""An onset, an apex and an offset."""
_FACE_BATCH: Final = 8


@dataclass(frozen=True, slots=True)
class Observation:
    """The analysed face of a clip, frame by frame."""

    track: FaceTrack
    judged: Sequence[tuple[Status, float]]
    """Status and confidence of each frame of the clip."""
    used: npt.NDArray[np.intp]
    """[N] which frames of the clip were analysed."""
    pts_s: npt.NDArray[np.float64]
    """[N] their times."""
    crops: Image
    """uint8 [N, 3, S, S]"""
    placements: Sequence[Placement]
    """[N] where in its frame each crop lies."""
    reference: int
    """Position of the crop that the trace is measured against."""
    trace: FloatArray
    """f32 [N, sides, K], change against the reference in FACS units."""


class Observer:
    """Face, alignment, AU trace.

    Args:
        inference: Runs the models.
        preprocess: How crops are made; the models were trained with it.
    """

    def __init__(self, inference: Inference, preprocess: PreprocessSpec = PREPROCESS) -> None:
        self._inference = inference
        self._preprocess = preprocess

    def observe(self, clip: Clip, task: Task) -> Observation:
        """The trace of a clip and the crops it was measured on.

        Raises:
            ClipError: TOO_SHORT or NO_FACE.
            BackendError: The models cannot be run, or not before the deadline.
        """
        _check_length(sum(frame.image is not None for frame in clip.frames), "were decoded")
        with task.stopwatch.stage("face"):
            track = self._find_face(clip, task)
        judged = [track.judge(frame) for frame in clip.frames]
        used = np.flatnonzero([status in {"ok", "low_confidence"} for status, _ in judged])
        _check_length(len(used), "show the face")
        task.report_progress(Progress(stage="align", frames_done=0, frames_total=len(used)))
        with task.stopwatch.stage("align"):
            frames = [clip.frames[index] for index in used]
            crops, placements = self._stabilise(frames, track, task)
        agreement = np.array([placement.agreement for placement in placements], dtype=np.float32)
        for index in used[agreement < LOST]:
            judged[index] = ("low_confidence", judged[index][1])
        with task.stopwatch.stage("au"):
            reference = self._reference(crops, agreement, task)
            trace = self._trace(crops, crops[reference][None], task)
        pts_s = np.array([frame.pts_s for frame in frames])
        return Observation(track, judged, used, pts_s, crops, placements, reference, trace)

    def _find_face(self, clip: Clip, task: Task) -> FaceTrack:
        keys = key_frames(clip)
        faces: list[list[FaceBox]] = []
        for start in range(0, len(keys), _FACE_BATCH):
            task.report_progress(Progress(stage="face", frames_done=start, frames_total=len(keys)))
            faces += self._detect(keys[start : start + _FACE_BATCH], task)
        return follow(keys, faces, self._preprocess)

    def _detect(self, frames: list[Frame], task: Task) -> list[list[FaceBox]]:
        prepared = [face.prepare(frame.image) for frame in frames if frame.image is not None]
        outputs = self._inference.infer(
            FACE.name,
            {"image": np.concatenate([tensor for tensor, _ in prepared])},
            [tensor.name for tensor in FACE.outputs],
            task.deadline,
        )
        return [
            face.interpret({name: tensor[row : row + 1] for name, tensor in outputs.items()}, scale)
            for row, (_, scale) in enumerate(prepared)
        ]

    def _stabilise(
        self, frames: list[Frame], track: FaceTrack, task: Task
    ) -> tuple[Image, Sequence[Placement]]:
        """Crops uint8 [N, 3, S, S] in which the head holds still, and where they lie."""
        images = [frame.image for frame in frames if frame.image is not None]
        guesses = track.guesses(np.array([frame.pts_s for frame in frames]), self._preprocess)
        size = self._preprocess.crop_size
        crops = np.empty((len(images), 3, size, size), dtype=np.uint8)
        placements: dict[int, Placement] = {}
        anchor = frames.index(track.anchor)
        for position, placement, crop in stabilise(images, guesses, anchor, self._preprocess):
            task.deadline.remaining_s()
            crops[position] = crop.transpose(2, 0, 1)
            placements[position] = placement
        return crops, [placements[position] for position in range(len(images))]

    def _reference(self, crops: Image, agreement: FloatArray, task: Task) -> int:
        """The frame at rest, judged on frames spread over the clip."""
        at = probed(agreement)
        looks = crops[at]
        central = central_frame(looks)
        outputs = [
            self._inference.infer(AU.name, inputs, au.OUTPUTS, task.deadline)
            for inputs in au.windows(looks, looks[central][None])
        ]
        return int(at[resting_frame(au.interpret(outputs), central)])

    def _trace(self, crops: Image, reference: Image, task: Task) -> FloatArray:
        outputs = []
        for index, inputs in enumerate(au.windows(crops, reference)):
            done = index * au.WINDOW
            task.report_progress(
                Progress(stage="action_units", frames_done=done, frames_total=len(crops))
            )
            outputs.append(self._inference.infer(AU.name, inputs, au.OUTPUTS, task.deadline))
        return au.interpret(outputs)


def _check_length(frames: int, what: str) -> None:
    if frames < MIN_FRAMES:
        raise ClipError(
            ErrorCode.TOO_SHORT,
            f"only {frames} frames {what}",
            limit=MIN_FRAMES,
            measured=frames,
        )
