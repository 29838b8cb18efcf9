"""What is used for each part."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.cli.outcome import FAILED
from service.embedded.backend import default_model_repo
from service.embedded.doctor import Part, examine


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


def _table(parts: list[Part]) -> Table:
    table = Table(title="madv doctor")
    for heading in ("", "Part", "What", "Version", "Why"):
        table.add_column(heading, overflow="fold")
    for part in parts:
        sign = "[green]ok[/green]" if part.ok else "[red]no[/red]"
        table.add_row(sign, *map(escape, (part.name, part.what, part.version, part.why)))
    return table
