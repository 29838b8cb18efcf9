"""Commands for the audit log. They read it where it is kept, without the service."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from obstore.exceptions import BaseError

from service.audit.chain import Broken, Head, Line, checked
from service.audit.segments import Segments
from service.cli.options import DEFAULT_DATA_DIR, DataDir, RedisUrl
from service.cli.outcome import FAILED, UNREACHABLE
from service.embedded.address import published_redis
from service.embedded.processes import StackError
from service.store.audit import AuditTrail
from service.store.connection import OUTAGES, connect_async
from service.store.together import Scripts

app = typer.Typer(name="audit", help="Who did what when.", no_args_is_help=True)

AuditUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="MADV_AUDIT_URL",
        show_envvar=True,
        help="Where the log is kept; that of --data if not told.",
    ),
]
_TIMEOUT_S = 5.0


@app.command()
def verify(
    url: AuditUrl = None,
    data: DataDir = DEFAULT_DATA_DIR,
    redis_url: RedisUrl = None,
    expect: Annotated[
        str | None, typer.Option(help="A hash noted earlier that must be that of a line.")
    ] = None,
) -> None:
    """Check that no line was changed, taken out or put in; with Redis, that the last is the last.

    Exit codes: 0 whole, 1 not so, 3 unreachable. The hash it prints is worth noting elsewhere: who
    can write to the store and to Redis could make a whole new log.
    """
    count, first, head, is_met = _walk(url, data, expect)
    if not is_met:
        _fail(f"no line has the hash {expect}")
    ending = _ending(redis_url, data)
    if ending is not None and head.seq < ending[0].seq:
        _fail(f"it ends with line {head.seq}, but line {ending[0].seq} has been written")
    typer.echo(f"{count} lines, from {first} to {head.seq}, each as it was written")
    typer.echo(f"the last has the hash {head.hash}")
    if ending is None:
        typer.echo("Redis was not asked: lines missing at the end would not be noticed")
    else:
        typer.echo(f"{ending[1]} acts wait to be sealed")


@app.command()
def show(
    url: AuditUrl = None,
    data: DataDir = DEFAULT_DATA_DIR,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant alone.")] = None,
    subject: Annotated[str | None, typer.Option(help="About this job or key alone.")] = None,
) -> None:
    """Print the lines, as JSON, one a line."""
    for line in _lines(url, data):
        if tenant in {None, line.tenant} and subject in {None, line.subject}:
            typer.echo(line.model_dump_json())


def _walk(url: str | None, data: Path, expect: str | None) -> tuple[int, int, Head, bool]:
    """Number of lines, the first, the last, and whether the expected one is among them."""
    count, first, head, is_met = 0, 0, Head(), expect is None
    for line in _lines(url, data):
        count, first = count + 1, first or line.seq
        head = Head(seq=line.seq, hash=line.hash)
        is_met = is_met or line.hash == expect
    return count, first, head, is_met


def _lines(url: str | None, data: Path) -> Iterator[Line]:
    try:
        yield from checked(Segments(url or (data / "audit").resolve().as_uri()).lines())
    except Broken as broken:
        _fail(str(broken))
    except (BaseError, OSError) as error:
        typer.echo(f"the log cannot be read ({type(error).__name__})", err=True)
        raise typer.Exit(UNREACHABLE) from error


def _ending(redis_url: str | None, data: Path) -> tuple[Head, int] | None:
    """The last line as Redis knows it and how many acts wait; None without a Redis."""

    async def ask(url: str) -> tuple[Head, int]:
        async with aclosing(connect_async(url, _TIMEOUT_S)) as redis:
            trail = AuditTrail(redis, Scripts(redis))
            return await trail.head(), await trail.pending()

    try:
        return asyncio.run(ask(redis_url or published_redis(data)))
    except StackError:
        return None
    except OUTAGES as outage:
        typer.echo(f"cannot reach Redis ({type(outage).__name__})", err=True)
        raise typer.Exit(UNREACHABLE) from outage


def _fail(why: str) -> None:
    typer.echo(f"the audit log is broken: {why}", err=True)
    raise typer.Exit(FAILED)
