"""Commands for API keys. They talk to Redis, so that the first key needs no key."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.cli.options import DEFAULT_DATA_DIR, DataDir, RedisUrl
from service.cli.outcome import FAILED, UNREACHABLE, explained
from service.embedded.address import published_redis
from service.principal import Scope
from service.store.accounts import (
    DEFAULT_SCOPES,
    Accounts,
    ApiKey,
    BadAddress,
    KeyRequest,
    in_days,
    open_accounts,
)
from service.store.connection import OUTAGES

app = typer.Typer(name="keys", help="Make, list and revoke API keys.", no_args_is_help=True)

T = TypeVar("T")
_TIMEOUT_S = 5.0


@app.command()
def create(  # noqa: PLR0913  # a command's options are its arguments
    *,
    tenant: Annotated[str, typer.Option(help="Whose jobs it sees; keys of one tenant share them.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scopes: Annotated[
        str, typer.Option(help=f"Of {', '.join(Scope)}; admin implies the others.")
    ] = ",".join(scope for scope in Scope if scope in DEFAULT_SCOPES),
    concurrency: Annotated[int | None, typer.Option(min=1, help="Jobs under way at once.")] = None,
    rate: Annotated[str | None, typer.Option(help="Submissions, such as 600/minute.")] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=36500)] = None,
    redis_url: RedisUrl = None,
    data: DataDir = DEFAULT_DATA_DIR,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the key and nothing else.")] = False,
) -> None:
    """Make a key and print it: the only time it can be seen."""
    request = _request(
        {
            "tenant": tenant,
            "name": name,
            "scopes": [scope.strip() for scope in scopes.split(",")],
            "concurrency": concurrency,
            "rate": rate,
            "expires_at": None if expires_days is None else in_days(expires_days),
        }
    )
    token, key = _with_accounts(redis_url, data, lambda accounts: accounts.create(request))
    if quiet:
        typer.echo(token)
        return
    typer.echo(f"{token}\n")
    typer.echo(f"Key {key.id} of tenant {key.tenant}: {_scopes(key)}. Keep it safe, only its hash")
    typer.echo(f"is stored. Revoke it with `madv keys revoke {key.id}`.")


@app.command("list")
def list_keys(
    redis_url: RedisUrl = None,
    data: DataDir = DEFAULT_DATA_DIR,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show all keys, ended ones too, without their secrets."""
    keys = _with_accounts(redis_url, data, lambda accounts: accounts.all())
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in keys], indent=1))
    else:
        Console().print(_table(keys))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As shown by `madv keys list`.")],
    redis_url: RedisUrl = None,
    data: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """End a key for good; gateways notice within two seconds. Its jobs stay."""
    if not _with_accounts(redis_url, data, lambda accounts: accounts.revoke(key_id)):
        typer.echo("no key has this id, see `madv keys list`", err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"revoked {key_id}")


def _request(wanted: dict[str, object]) -> KeyRequest:
    try:
        return KeyRequest.model_validate(wanted)
    except ValidationError as exc:
        said = "; ".join(f"{error['loc'][0]}: {error['msg']}" for error in exc.errors())
        raise typer.BadParameter(said) from exc


def _with_accounts(
    redis_url: str | None, data: Path, action: Callable[[Accounts], Awaitable[T]]
) -> T:
    """The outcome of an action on the keys; one line and an exit code where Redis is away."""

    async def act(url: str) -> T:
        async with open_accounts(url, _TIMEOUT_S) as accounts:
            return await action(accounts)

    with explained(Console(stderr=True)):
        url = redis_url or published_redis(data)
        try:
            return asyncio.run(act(url))
        except OUTAGES as exc:
            # The error's own words may name the address with its password.
            typer.echo(f"cannot reach Redis ({type(exc).__name__})", err=True)
            raise typer.Exit(UNREACHABLE) from exc
        except BadAddress as exc:
            raise typer.BadParameter(str(exc)) from exc


def _table(keys: list[ApiKey]) -> Table:
    now = datetime.now(UTC)
    table = Table(title="API keys")
    for heading in ("Id", "Tenant", "Name", "Scopes", "Quotas", "Created", "Last used", "State"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "Id")
    for key in keys:
        quotas = (f"{key.concurrency} at once" if key.concurrency else "", key.rate or "")
        words = (key.id, key.tenant, key.name, _scopes(key), ", ".join(filter(None, quotas)))
        moments = (_day(key.created_at), _day(key.last_used_at))
        table.add_row(*map(escape, words), *moments, _state(key, now))
    return table


def _scopes(key: ApiKey) -> str:
    return ", ".join(scope for scope in Scope if scope in key.scopes)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%F}"


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.is_valid(now) else 'expired'} {_day(key.expires_at)}"
