"""Commands for one clip."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from service.cli.options import ClipFile, ServiceUrl
from service.cli.outcome import explained
from service.client import DEFAULT_URL, MadvClient
from service.client.tables import summary
from service.demo import run_worker
from service.schemas import Job
from worker.contract import AnalysisReport


def recognize(
    file: ClipFile,
    url: ServiceUrl = DEFAULT_URL,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the result here as JSON.")
    ] = None,
) -> None:
    """Send a clip to a running service and show its answer."""
    console = Console()
    with explained(console), MadvClient(url) as client:
        with _progress() as progress:
            task = progress.add_task("uploading", total=None)
            report = client.recognize(file, on_update=lambda job: _advance(progress, task, job))
        console.print(summary(report))
        if json_out is not None:
            json_out.write_text(_as_json(report), encoding="utf-8")


def analyze(
    file: ClipFile,
    json_out: Annotated[Path, typer.Option("--json", help="Where the result goes, as JSON.")],
) -> None:
    """Analyse a clip in this process, without any server."""
    with explained(Console()):
        run_worker("analyze", str(file), "--json", str(json_out))


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        transient=True,
    )


def _advance(progress: Progress, task: TaskID, job: Job) -> None:
    at = job.progress
    place = f", {at.queue_position}. in the queue" if at.queue_position else ""
    progress.update(
        task,
        description=f"{at.stage}{place}",
        completed=at.frames_done or 0,
        total=at.frames_total,
    )


def _as_json(report: AnalysisReport) -> str:
    return report.model_dump_json(by_alias=True, indent=1) + "\n"
