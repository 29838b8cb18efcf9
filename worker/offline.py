"""A file on this machine analysed in this process: no queue, no server."""

import hashlib
from pathlib import Path
from typing import Final

from worker.backend import Deadline
from worker.contract import AnalysisReport, Faces, Mode
from worker.models.registry import recognizer
from worker.pipeline import Pipeline
from worker.stopwatch import Stopwatch
from worker.task import Task
from worker.triton.inprocess import InProcessBackend
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

TIMEOUT_S: Final = 600.0


def analyse_file(  # noqa: PLR0913  # the clip, the models, and what the options of a job are
    path: Path,
    model_repo: Path,
    limits: DecodeLimits,
    recognizer_name: str,
    fps: float | None = None,
    *,
    mode: Mode = Mode.CLIP,
    faces: Faces = Faces.MAIN,
    explain: bool = False,
) -> AnalysisReport:
    """The same report as the service gives, without a job id; `fps` is that of an archive.

    Raises:
        ClipError: The clip cannot be analysed.
        BackendError: The models cannot be run.
        LookupError: There is no such recognizer.
    """
    judge = recognizer(recognizer_name)
    stopwatch = Stopwatch()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    deadline = Deadline.after(TIMEOUT_S)
    task = Task(sha256, deadline, stopwatch, mode=mode, faces=faces, explain=explain)
    with (
        open_footage(path, limits, fps=fps) as footage,
        InProcessBackend(model_repo) as backend,
    ):
        return Pipeline(backend, judge).analyse(footage, task)
