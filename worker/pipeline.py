"""A clip becomes a report. No input or output of its own: models come as a `Backend`."""

from worker.backend import Backend
from worker.contract import AnalysisReport, Progress
from worker.document import JudgedFace, Served, compose
from worker.domain import Footage
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

    def analyse(self, footage: Footage, task: Task, *, all_faces: bool = False) -> AnalysisReport:
        """The result document of a clip.

        Args:
            footage: The clip, none of which has been taken yet.
            task: What it may take.
            all_faces: Report on every face, not the main one alone.

        Raises:
            ClipError: TOO_SHORT or NO_FACE, or what the footage raises.
            BackendError: The models cannot be run, or not before the deadline.
        """
        faces = self._findings(footage, task, all_faces=all_faces)
        with task.stopwatch.stage("recognize"):
            judged = [
                JudgedFace(found, [self._recognize(moment, task) for moment in found.moments])
                for found in faces
            ]
        with task.stopwatch.stage("describe"):
            model = self._backend.describe(self._recognizer.spec.name, task.deadline)
        return compose(
            footage,
            judged,
            Served(self._recognizer.name, model),
            task,
            lists_faces=all_faces,
        )

    def _findings(self, footage: Footage, task: Task, *, all_faces: bool) -> list[FaceFindings]:
        """What is found of each face, the main one first."""
        faces: dict[int, FaceFindings] = {}
        for seen in self._observer.observe(footage, task, all_faces=all_faces):
            number = seen.anchor.track_id
            found = faces.setdefault(number, FaceFindings(number, self._preprocess.clip_frames))
            with task.stopwatch.stage("spot"):
                found.add(seen)
        return [faces[number] for number in sorted(faces)]

    def _recognize(self, moment: Moment, task: Task) -> Recognition:
        """Judge the crops of a moment, which begin with its onset."""
        crops = moment.crops
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
