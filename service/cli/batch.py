"""Many clips at once: `madv batch submit` and `madv batch status`."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import anyio
import typer
from anyio import CancelScope
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from service.cli.options import (
    Explain,
    Fps,
    ServiceUrl,
    Tags,
    WhichFaces,
    WhichMode,
    WhichRecognizer,
    clip_options,
)
from service.cli.outcome import FAILED, explained
from service.client import DEFAULT_URL, AsyncMadvClient, MadvClient, Retries
from service.client.submission.ledger import Ledger, LedgerError, read_note, write_atomically
from service.client.submission.manifest import Entry, ManifestError, read_manifest
from service.client.submission.run import Submission, Tally
from service.client.submission.summary import Summary, summarize
from service.client.submission.tables import write_tables
from service.schemas import RecognizeOptions
from worker.contract import RECOGNIZERS, Faces, Mode

app = typer.Typer(name="batch", help="Many clips at once.", no_args_is_help=True)

Watch = Callable[[Tally], None]
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)

# 429 is left to the run, which holds all uploads back; a gateway that restarts is waited for.
_RETRIES = Retries(total_s=120.0, reconnects=8, statuses=frozenset({503}))
_PLAIN_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is submitted, how and where."""

    entries: Sequence[Entry]
    defaults: RecognizeOptions
    concurrency: int
    url: str


@app.command()
def submit(  # noqa: PLR0913  # a command's options are its arguments
    source: Annotated[
        Path, typer.Argument(exists=True, help="A folder of clips, or a .csv or .jsonl manifest.")
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the results.")],
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Uploads at once.")] = 4,
    url: ServiceUrl = DEFAULT_URL,
    fps: Fps = None,
    tag: Tags = None,
    *,
    recognizer: WhichRecognizer = RECOGNIZERS[0],
    mode: WhichMode = Mode.CLIP,
    faces: WhichFaces = Faces.MAIN,
    explain: Explain = False,
    deduplicate: Annotated[
        bool, typer.Option(help="Take an earlier result for the same bytes and model.")
    ] = True,
) -> None:
    """Submit clips and collect their results; run it again to go on after an interruption.

    Exit codes: 0 all succeeded, 1 some did not, 3 unreachable, 130 interrupted.
    """
    console = Console()
    defaults = clip_options(
        fps,
        tag,
        recognizer=recognizer,
        mode=mode,
        faces=faces,
        explain=explain,
        deduplicate=deduplicate,
    )
    with explained(console), Ledger.locked(out) as ledger:
        plan = _Plan(read_manifest(source, defaults), defaults, concurrency, url)
        console.print(f"{len(plan.entries)} clips, {len(ledger.done)} of them done before")
        summary = summarize(ledger, _run(plan, ledger, console))
        with console.status("writing tables"):
            write_tables(ledger)
            write_atomically(out / "summary.json", summary.model_dump_json(indent=1))
        console.print(_table(summary))
        written = "results.jsonl, results.parquet, frames.parquet, summary.json"
        console.print(f"written to {escape(str(out))}: {written}")
        if not summary.is_success:
            raise typer.Exit(FAILED)


@app.command()
def status(
    out: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of results.")],
    url: Annotated[
        str | None, typer.Option(envvar="MADV_URL", help="The service; as submitted if not told.")
    ] = None,
) -> None:
    """What the service says about the batch of an output folder."""
    console = Console()
    with explained(console):
        note = read_note(out)
        if note is None:
            raise LedgerError(f"{out} holds no batch")
        with MadvClient(url or note.url) as client:
            batch = client.batch(note.batch_id)
        console.print(f"{batch.id} is {batch.status}", highlight=False)
        table = Table(show_header=False)
        for name, count in batch.counts:
            table.add_row(name, str(count))
        console.print(table)


def _run(plan: _Plan, ledger: Ledger, console: Console) -> Tally:
    """Run the submission to its end. Raises KeyboardInterrupt on SIGINT and SIGTERM."""

    async def whole(watch: Watch) -> Tally:
        async with AsyncMadvClient(plan.url) as first:
            most = (await first.limits()).batch_items
        if len(plan.entries) > most:
            raise ManifestError(f"{len(plan.entries)} clips, but a batch holds {most} at most")
        async with AsyncMadvClient(plan.url, retries=_RETRIES) as client:
            submission = Submission(client, ledger, plan.entries, plan.concurrency, watch)
            await submission.run(plan.defaults)
            return submission.tally

    with _watching(console) as watch:
        tally = anyio.run(_unless_interrupted, whole, watch)
    if tally is None:
        console.print(
            f"interrupted with {len(ledger.done)} of {len(plan.entries)} clips done; "
            "the same command goes on from here"
        )
        raise KeyboardInterrupt
    return tally


async def _unless_interrupted(
    whole: Callable[[Watch], Awaitable[Tally]], watch: Watch
) -> Tally | None:
    """The run to its end, or None where SIGINT or SIGTERM ended it in order before.

    A scope is cancelled rather than the task: that cannot be lost in something awaited.
    """
    loop = asyncio.get_running_loop()
    with CancelScope() as run:
        for number in _INTERRUPTS:
            loop.add_signal_handler(number, run.cancel)
        try:
            return await whole(watch)
        finally:
            for number in _INTERRUPTS:
                loop.remove_signal_handler(number)
    return None


@contextmanager
def _watching(console: Console) -> Iterator[Watch]:
    """A progress bar, or a line now and then where the output is no terminal."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("uploaded {task.fields[uploaded]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rest]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None, uploaded=0, rest="")

        def show(tally: Tally) -> None:
            progress.update(
                task,
                total=tally.total,
                completed=tally.done,
                uploaded=tally.uploaded,
                rest=_rest(tally),
            )

        yield show


class _Lines:
    """Progress for log files."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_at = 0.0

    def __call__(self, tally: Tally) -> None:
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + _PLAIN_EVERY_S
        self._console.print(
            f"uploaded {tally.uploaded}, done {tally.done} of {tally.total}, {_rest(tally)}",
            highlight=False,
        )


def _rest(tally: Tally) -> str:
    """Failures, throughput, time left; and why nothing is uploaded where that is so."""
    parts = [f"failed {tally.failed}", f"{tally.clips_per_s:.2f} clips/s"]
    if tally.eta_s is not None:
        parts.append(f"{timedelta(seconds=round(tally.eta_s))} left")
    if tally.held_s:
        parts.append(f"asked to wait {tally.held_s:.0f} s")
    return ", ".join(parts)


def _table(summary: Summary) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("clips", str(summary.clips))
    table.add_row("clips per second", f"{summary.clips_per_s:.2f}")
    table.add_section()
    for name in ("succeeded", "failed", "canceled", "rejected", "missing"):
        if count := getattr(summary, name):
            table.add_row(name, str(count))
    if summary.codes:
        table.add_section()
    for code, count in summary.codes.items():
        table.add_row(code, str(count))
    return table
