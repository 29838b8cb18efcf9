"""The `madv` command.

Exit codes: 0 done, 1 the clip was refused or failed (its code is shown) or the stack could not
run, 2 usage, 3 the service cannot be reached, 130 interrupted.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from service.client import ClientError, JobFailed, MadvClient, Refused, Unreachable
from service.client.client import DEFAULT_URL
from service.client.tables import summary
from service.demo import Demo, run_worker
from service.embedded.backend import Requested, default_model_repo
from service.embedded.doctor import Part, examine
from service.embedded.processes import StackError
from service.embedded.stack import EmbeddedStack, StackConfig
from service.schemas import Job
from worker.contract import AnalysisReport

FAILED = 1
UNREACHABLE = 3
INTERRUPTED = 130

app = typer.Typer(
    help="Recognises facial micro-expressions in video clips.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

ClipFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
DataDir = Annotated[Path, typer.Option("--data", help="Folder of everything that is kept.")]
Backend = Annotated[Requested, typer.Option(help="What runs the models.")]


@app.command()
def up(
    data: DataDir = Path(".madv"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the gateway.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Clips analysed at once.")] = 1,
    backend: Backend = "auto",
) -> None:
    """Run the whole service on this machine until Ctrl-C."""
    console = Console()
    config = StackConfig(data, port=port, workers=workers, backend=backend)
    with _explained(console), _sigterm_as_interrupt():
        console.print("starting ...")
        try:
            with EmbeddedStack(config) as stack:
                console.print(f"ready: {stack.gateway_url} (API at {stack.gateway_url}/docs)")
                console.print(f"models: {stack.backend.name} ({stack.backend.why})")
                console.print(f"data and logs: {config.data_dir.resolve()}; Ctrl-C stops it")
                stack.wait()
        except KeyboardInterrupt:
            console.print("stopped")


@app.command()
def recognize(
    file: ClipFile,
    url: Annotated[str, typer.Option(envvar="MADV_URL", help="The service.")] = DEFAULT_URL,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the result here as JSON.")
    ] = None,
) -> None:
    """Send a clip to a running service and show its answer."""
    console = Console()
    with _explained(console), MadvClient(url) as client:
        with _progress() as progress:
            task = progress.add_task("uploading", total=None)
            report = client.recognize(file, on_update=lambda job: _advance(progress, task, job))
        console.print(summary(report))
        if json_out is not None:
            json_out.write_text(_as_json(report), encoding="utf-8")


@app.command()
def analyze(
    file: ClipFile,
    json_out: Annotated[Path, typer.Option("--json", help="Where the result goes, as JSON.")],
) -> None:
    """Analyse a clip in this process, without any server."""
    with _explained(Console()):
        run_worker("analyze", str(file), "--json", str(json_out))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where clip, result and plot go.")] = Path("runs/demo"),
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the service; temporary if not told.")
    ] = None,
    backend: Backend = "auto",
) -> None:
    """Start the service, recognise a made-up smile over HTTP, show and plot the answer."""
    console = Console()
    with _explained(console), _sigterm_as_interrupt():
        Demo(out, data, backend).run(console)


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say for each part what is used, which version, and why; 1 if the demo cannot run."""
    parts = examine(default_model_repo())
    if as_json:
        typer.echo(json.dumps([asdict(part) for part in parts], indent=1))
    else:
        Console().print(_table(parts))
    if not all(part.ok for part in parts):
        raise typer.Exit(FAILED)


def main() -> None:
    """Entry point of the `madv` command."""
    app()


@contextmanager
def _explained(console: Console) -> Iterator[None]:
    """Expected errors become a line and an exit code, never a traceback."""
    try:
        yield
    except Unreachable as error:
        console.print(f"[red]cannot reach the service[/red]: {escape(str(error))}")
        raise typer.Exit(UNREACHABLE) from error
    except (Refused, JobFailed) as error:
        console.print(f"[red]{error.code}[/red]: {escape(str(error))}")
        raise typer.Exit(FAILED) from error
    except (ClientError, StackError) as error:
        console.print(f"[red]failed[/red]: {escape(str(error))}", highlight=False)
        raise typer.Exit(FAILED) from error
    except subprocess.CalledProcessError as error:
        raise typer.Exit(error.returncode if error.returncode > 0 else FAILED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # signal's shape
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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


def _table(parts: list[Part]) -> Table:
    table = Table(title="madv doctor")
    for heading in ("", "Part", "What", "Version", "Why"):
        table.add_column(heading, overflow="fold")
    for part in parts:
        sign = "[green]ok[/green]" if part.ok else "[red]no[/red]"
        table.add_row(sign, *map(escape, (part.name, part.what, part.version, part.why)))
    return table
