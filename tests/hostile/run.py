"""The whole corpus over HTTP against a stack of its own: `make hostile`.

Prints what became of every kind of case, and exits with 1 where anything was not as the table in
`expected.py` says, a part of the stack was started anew, or something was left behind.
"""

import json
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from attack import Verdict, attack, surroundings
from corpus import corpus
from namespace import canary, noticed
from references import CANARY_PORT
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sources import Sources

from service.embedded.stack import EmbeddedStack, StackConfig


def main(
    only: Annotated[str, typer.Option(help="Cases whose names match this expression.")] = "",
    workers: Annotated[int, typer.Option(min=1)] = 2,
    verdicts_path: Annotated[
        Path | None, typer.Option("--json", help="Where the verdicts go, one by one.")
    ] = None,
) -> None:
    """Attack."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="madv-hostile-") as folder:
        root = Path(folder)
        for name in ("sources", "data", "temporary"):
            (root / name).mkdir()
        cases = [case for case in corpus(Sources(root / "sources")) if re.search(only, case.name)]
        settings = {"TMPDIR": str(root / "temporary")}
        config = StackConfig(root / "data", workers=workers, settings=settings)
        start_s = time.monotonic()
        with EmbeddedStack(config) as stack, canary(CANARY_PORT) as bird:
            before = surroundings(stack)
            verdicts = list(track(attack(stack.gateway_url, cases), "attacking", len(cases)))
            after = surroundings(stack)
            callers = noticed(bird).callers
    if verdicts_path is not None:
        verdicts_path.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=0))
    console.print(_table(verdicts))
    wrong = [verdict for verdict in verdicts if not verdict.is_expected]
    for verdict in wrong:
        console.print(f"[red]{verdict.code}[/red] is not expected of {verdict.name}")
    console.print(
        f"{len(verdicts)} cases, {len(wrong)} unexpected, {time.monotonic() - start_s:.0f} s"
    )
    console.print(f"the stack before: {before}\nthe stack after:  {after}")
    console.print(f"connections to where the files lead: {callers}")
    sys.exit(bool(wrong) or before != after or callers > 0)


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table("kind", "cases", "as expected", "slowest", "codes")
    by_family: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_family[verdict.name.partition("/")[0]].append(verdict)
    for family, of_family in by_family.items():
        codes = Counter(verdict.code for verdict in of_family)
        table.add_row(
            family,
            str(len(of_family)),
            str(sum(verdict.is_expected for verdict in of_family)),
            f"{max(verdict.took_s for verdict in of_family):.1f} s",
            ", ".join(f"{count} {code}" for code, count in codes.most_common()),
        )
    return table


if __name__ == "__main__":
    typer.run(main)
