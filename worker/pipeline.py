"""A clip becomes a report. No input or output of its own: models come as a `Backend`."""

from collections.abc import Sequence

from worker.backend import Backend, ModelDescription
from worker.contract import AnalysisReport, Faces, Progress
from worker.document import JudgedFace, Served, compose
from worker.domain import Footage
from worker.explaining import explain
from worker.findings import FaceFindings
from worker.highlights import Moment
from worker.models.recognizer import Recognition, Recognizer
from worker.observation import Observer
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.strip import WINDOW
from worker.task import Task


class Pipeline:
    """Face, alignment, AU trace, events, recognition.

    Args:
        backend: Runs the models.
        recognizer: Judges the events.
        preprocess: How crops are made; the models were trained with it.
        window: Frames of a face that are measured together.
    """

    def __init__(
        self,
        backend: Backend,
        recognizer: Recognizer,
        preprocess: PreprocessSpec = PREPROCESS,
        window: int = WINDOW,
    ) -> None:
        self._backend = backend
        self._recognizer = recognizer
        self._observer = Observer(backend, preprocess, window)
        self._preprocess = preprocess

    def analyse(self, footage: Footage, task: Task) -> AnalysisReport:
        """The result document of a clip.

        Args:
            footage: The clip, none of which has been taken yet.
            task: What is wanted, and what it may take.

        Raises:
            ClipError: TOO_SHORT or NO_FACE, or what the footage raises.
            BackendError: The models cannot be run, or not before the deadline.
        """
        faces = self._findings(footage, task)
        for found in faces:
            self._judge(found, found.waiting, task)
        with task.stopwatch.stage("describe"):
            model = self._describe(task)
        return compose(
            footage,
            [JudgedFace(found, found.moments) for found in faces],
            Served(self._recognizer.name, model),
            task,
        )

    def _findings(self, footage: Footage, task: Task) -> list[FaceFindings]:
        """What is found of each face, the main one first."""
        faces: dict[int, FaceFindings] = {}
        count, everyone = self._preprocess.clip_frames, task.faces is Faces.ALL
        for seen in self._observer.observe(footage, task, all_faces=everyone):
            anew = FaceFindings(seen.anchor, count, task.mode)
            found = faces.setdefault(seen.anchor.track_id, anew)
            with task.stopwatch.stage("spot"):
                moments = found.add(seen)
            self._judge(found, moments, task)
        return [faces[number] for number in sorted(faces)]

    def _judge(self, found: FaceFindings, moments: Sequence[Moment], task: Task) -> None:
        with task.stopwatch.stage("recognize"):
            said = [self._recognize(moment, task) for moment in moments]
        for moment, recognition in zip(moments, said, strict=True):
            explanation = None
            if task.explain:
                with task.stopwatch.stage("explain"):
                    explanation = explain(moment, recognition)
            found.keep(moment, recognition, explanation)

    def _recognize(self, moment: Moment, task: Task) -> Recognition:
        """Judge the crops of a moment, which begin with its onset."""
        crops = moment.crops
        task.report_progress(
            Progress(stage="recognize", frames_done=len(crops), frames_total=len(crops))
        )
        recognizer = self._recognizer
        wanted = recognizer.outputs
        if task.explain:
            wanted = recognizer.outputs_of(self._describe(task))
        outputs = self._backend.infer(
            recognizer.spec.name,
            recognizer.prepare(crops, crops[:1]),
            wanted,
            task.deadline,
        )
        return recognizer.interpret(outputs)

    def _describe(self, task: Task) -> ModelDescription:
        return self._backend.describe(self._recognizer.spec.name, task.deadline)
