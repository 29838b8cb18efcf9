"""A decoded clip becomes a report. No input or output of its own: models come as a `Backend`."""

from worker.backend import Backend
from worker.contract import AnalysisReport, Progress
from worker.document import Findings, compose
from worker.domain import Clip, Image
from worker.models.recognizer import Recognition, Recognizer
from worker.observation import Observer
from worker.preprocess.sampling import event_frames
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.task import Task


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
        self._observer = Observer(backend, preprocess)
        self._preprocess = preprocess

    def analyse(self, clip: Clip, task: Task) -> AnalysisReport:
        """The result document of a clip.

        Raises:
            ClipError: TOO_SHORT or NO_FACE.
            BackendError: The models cannot be run, or not before the deadline.
        """
        seen = self._observer.observe(clip, task)
        with task.stopwatch.stage("spot"):
            span, sampled = event_frames(seen.trace, seen.pts_s, self._preprocess.clip_frames)
        with task.stopwatch.stage("recognize"):
            recognition = self._recognize(seen.crops[sampled], task)
        with task.stopwatch.stage("describe"):
            model = self._backend.describe(self._recognizer.spec.name, task.deadline)
        return compose(
            Findings(clip, seen, span, sampled, recognition),
            self._recognizer.name,
            model,
            sha256=task.sha256,
            job_id=task.job_id,
            timings_ms=task.stopwatch.timings_ms(),
        )

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
