"""One analysis as an errand: whose clip, how long it may take, who is told of progress."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.backend import Deadline
from worker.contract import Faces, Mode, Progress
from worker.stopwatch import Stopwatch

ReportProgress = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Task:
    """One analysis: whose clip it is, what is sought in it, and what it may take."""

    sha256: str
    deadline: Deadline
    stopwatch: Stopwatch
    job_id: str | None = None
    report_progress: ReportProgress = ignore
    mode: Mode = Mode.CLIP
    faces: Faces = Faces.MAIN
    explain: bool = False
