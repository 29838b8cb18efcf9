"""Commands for one clip."""

from collections.abc import Callable
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

from service.cli.options import (
    ClipFile,
    Explain,
    Fps,
    ServiceUrl,
    Tags,
    WhichFaces,
    WhichMode,
    WhichRecognizer,
    clip_options,
)
from service.cli.outcome import explained
from service.client import DEFAULT_URL, MadvClient
from service.client.tables import summary
from service.demo import run_worker
from service.schemas import Job
from worker.contract import RECOGNIZERS, AnalysisReport, Faces, Mode


def recognize(  # noqa: PLR0913  # a command's options are its arguments
    file: ClipFile,
    url: ServiceUrl = DEFAULT_URL,
    *,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the result here as JSON.")
    ] = None,
    csv_out: Annotated[
        Path | None, typer.Option("--csv", help="Write the frames here, as OpenFace does.")
    ] = None,
    parquet_out: Annotated[
        Path | None, typer.Option("--parquet", help="Write the frames here as Parquet.")
    ] = None,
    plot_out: Annotated[
        Path | None, typer.Option("--plot", help="Write the plot here as PNG.")
    ] = None,
    fps: Fps = None,
    ref: Annotated[str | None, typer.Option(help="Your own id of the clip.")] = None,
    tag: Tags = None,
    recognizer: WhichRecognizer = RECOGNIZERS[0],
    mode: WhichMode = Mode.CLIP,
    faces: WhichFaces = Faces.MAIN,
    explain: Explain = False,
) -> None:
    """Send a clip to a running service and show its answer. Key: MADV_API_KEY."""
    console = Console()
    options = clip_options(
        fps, tag, ref, recognizer=recognizer, mode=mode, faces=faces, explain=explain
    )
    with explained(console), MadvClient(url) as client:
        with _progress() as progress:
            task = progress.add_task("uploading", total=None)
            job = client.submit(file, options)
            client.wait(job.id, on_update=lambda job: _advance(progress, task, job))
        report = client.result(job.id)
        console.print(summary(report))
        outputs: list[tuple[Path | None, Callable[[], bytes]]] = [
            (json_out, lambda: _as_json(report).encode()),
            (csv_out, lambda: client.result_csv(job.id).encode()),
            (parquet_out, lambda: client.result_parquet(job.id)),
            (plot_out, lambda: client.plot(job.id)),
        ]
        for path, content in outputs:
            if path is not None:
                path.write_bytes(content())


def analyze(  # noqa: PLR0913  # a command's options are its arguments
    file: ClipFile,
    json_out: Annotated[Path, typer.Option("--json", help="Where the result goes, as JSON.")],
    fps: Fps = None,
    *,
    recognizer: WhichRecognizer = RECOGNIZERS[0],
    mode: WhichMode = Mode.CLIP,
    faces: WhichFaces = Faces.MAIN,
    explain: Explain = False,
) -> None:
    """Analyse a clip in this process, without any server."""
    told = ["--json", str(json_out), "--recognizer", recognizer]
    told += ["--mode", str(mode), "--faces", str(faces)]
    told += ["--explain"] if explain else []
    if fps is not None:
        told += ["--fps", str(fps)]
    with explained(Console()):
        run_worker("analyze", str(file), *told)


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
