"""`madv-data`: what a licence holder's folder holds, and one manifest of it.

Exit codes: 0 clips found and nothing worse than a warning, 1 errors found, 2 usage.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.datasets.check import Report, check
from training.datasets.clip import DatasetName, write_manifest
from training.datasets.tables import show, to_json

app = typer.Typer(
    name="madv-data",
    help="Looks through folders of licensed micro-expression data sets. Nothing is changed there.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", exists=True, file_okay=False, help="One data set, or several side by side."
    ),
]
Only = Annotated[
    list[DatasetName] | None, typer.Option("--dataset", help="Look for this one; repeatable.")
]


@app.command("check")
def check_command(
    folder: Folder,
    dataset: Only = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every finding, not three.")] = False,
    subjects: Annotated[bool, typer.Option("--subjects", help="Clips of each person.")] = False,
) -> None:
    """Tell what was found, what is missing or odd, and how it compares with the published counts.

    Exit codes: 0 nothing worse than a warning, 1 errors, 2 usage.
    """
    report = check(folder, dataset or ())
    if as_json:
        typer.echo(to_json(report))
    else:
        show(report, Console(), everything=everything, subjects=subjects)
    _leave(report)


@app.command("manifest")
def manifest_command(
    folder: Folder,
    out: Annotated[Path, typer.Option(dir_okay=False, help="Where the JSON lines go.")],
    dataset: Only = None,
) -> None:
    """Write all clips that have frames as JSON lines, one clip a line.

    Exit codes: 0 nothing worse than a warning, 1 errors (the manifest is written), 2 usage.
    """
    report = check(folder, dataset or ())
    usable = [clip for clip in report.clips if clip.path is not None]
    write_manifest(usable, out)
    typer.echo(f"{len(usable)} clips of {len(report.clips)} written to {out}")
    _leave(report)


def _leave(report: Report) -> None:
    raise typer.Exit(int(report.has_errors))


def main() -> None:
    """Entry point of the `madv-data` command."""
    app()


if __name__ == "__main__":
    main()
