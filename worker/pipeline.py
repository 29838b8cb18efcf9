"""A decoded clip becomes a report. No input or output of its own: models come as a `Backend`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from worker.backend import Backend, Deadline
from worker.contract import AnalysisReport, ErrorCode, Progress
from worker.document import Findings, compose
from worker.domain import Clip, FaceBox, FloatArray, Frame, Image
from worker.errors import ClipError
from worker.models import au, face
from worker.models.recognizer import Recognition, Recognizer
from worker.preprocess import align
from worker.preprocess.sampling import event_frames
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.presence import FaceTrack, follow, key_frames
from worker.specs import AU, FACE
from worker.stopwatch import Stopwatch

MIN_FRAMES: Final = 3
"""An onset, an apex and an offset."""
_FACE_BATCH: Final = 8

ReportProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Task:
    """One analysis: whose clip it is, and what it may take."""

    sha256: str
    deadline: Deadline
    stopwatch: Stopwatch
    job_id: str | None = None
    report_progress: ReportProgress = ignore


class Pipeline:
    """Face, alignment, AU trace, event, recognition.

    Args:
        backend: Runs the models.
        recognizer: Judges the event.
        preprocess: How crops are made; the models were trained with it.
    """

    def __init__(
        self, backend: Backend, recognizer: Recognizer, preprocess: PreprocessSpec = PREPROCESS
    ) -> None:
        self._backend = backend
        self._recognizer = recognizer
        self._preprocess = preprocess

    def analyse(self, clip: Clip, task: Task) -> AnalysisReport:
        """The result document of a clip.

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
        pts_s = np.array([clip.frames[index].pts_s for index in used])
        task.report_progress(Progress(stage="align", frames_done=0, frames_total=len(used)))
        with task.stopwatch.stage("align"):
            crops = self._crop([clip.frames[index] for index in used], track)
        with task.stopwatch.stage("au"):
            trace = self._trace(crops, task)
        with task.stopwatch.stage("spot"):
            span, sampled = event_frames(trace, pts_s, self._preprocess.clip_frames)
        with task.stopwatch.stage("recognize"):
            recognition = self._recognize(crops[sampled], task)
        with task.stopwatch.stage("describe"):
            model = self._backend.describe(self._recognizer.spec.name, task.deadline)
        found = Findings(clip, track, judged, used, trace, span, sampled, recognition)
        return compose(
            found,
            self._recognizer.name,
            model,
            sha256=task.sha256,
            job_id=task.job_id,
            timings_ms=task.stopwatch.timings_ms(),
        )

    def _find_face(self, clip: Clip, task: Task) -> FaceTrack:
        keys = key_frames(clip)
        faces: list[list[FaceBox]] = []
        for start in range(0, len(keys), _FACE_BATCH):
            task.report_progress(Progress(stage="face", frames_done=start, frames_total=len(keys)))
            faces += self._detect(keys[start : start + _FACE_BATCH], task.deadline)
        return follow(keys, faces, self._preprocess)

    def _detect(self, frames: list[Frame], deadline: Deadline) -> list[list[FaceBox]]:
        prepared = [face.prepare(frame.image) for frame in frames if frame.image is not None]
        outputs = self._backend.infer(
            FACE.name,
            {"image": np.concatenate([tensor for tensor, _ in prepared])},
            [tensor.name for tensor in FACE.outputs],
            deadline,
        )
        return [
            face.interpret({name: tensor[row : row + 1] for name, tensor in outputs.items()}, scale)
            for row, (_, scale) in enumerate(prepared)
        ]

    def _crop(self, frames: list[Frame], track: FaceTrack) -> Image:
        images = [frame.image for frame in frames if frame.image is not None]
        return align.crops(images, track.alignment, self._preprocess)

    def _trace(self, crops: Image, task: Task) -> FloatArray:
        outputs = []
        for index, inputs in enumerate(au.windows(crops, crops[:1])):
            done = index * au.WINDOW
            task.report_progress(
                Progress(stage="action_units", frames_done=done, frames_total=len(crops))
            )
            outputs.append(self._backend.infer(AU.name, inputs, au.OUTPUTS, task.deadline))
        return au.interpret(outputs)

    def _recognize(self, crops: Image, task: Task) -> Recognition:
        """Judge crops [T, 3, S, S] that begin with the onset."""
        task.report_progress(
            Progress(stage="recognize", frames_done=len(crops), frames_total=len(crops))
        )
        recognizer = self._recognizer
        outputs = self._backend.infer(
            recognizer.spec.name,
            recognizer.prepare(crops, crops[:1]),
            recognizer.outputs,
            task.deadline,
        )
        return recognizer.interpret(outputs)


def _check_length(frames: int, what: str) -> None:
    if frames < MIN_FRAMES:
        raise ClipError(
            ErrorCode.TOO_SHORT,
            f"only {frames} frames {what}",
            limit=MIN_FRAMES,
            measured=frames,
        )
