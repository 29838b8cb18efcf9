"""Commands for deletion receipts."""

from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import ValidationError

from service.cli.options import ServiceUrl
from service.cli.outcome import FAILED, UNREACHABLE
from service.client import DEFAULT_URL
from service.receipts import BadReceipt, JsonWebKeySet, verified

app = typer.Typer(name="receipt", help="Signed statements of deletion.", no_args_is_help=True)

_KEYS = "/.well-known/jwks.json"


@app.command()
def verify(
    receipt: Annotated[str, typer.Argument(help="As in the header Deletion-Receipt.")],
    url: ServiceUrl = DEFAULT_URL,
    keys: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help=f"A copy of {_KEYS}: no service is asked."),
    ] = None,
) -> None:
    """Check a receipt. Exit codes: 0 genuine, 1 not so, 3 the service cannot be reached."""
    try:
        job_id, at = verified(receipt.strip(), _known(url, keys).keys)
    except (BadReceipt, ValidationError) as error:
        why = "the keys cannot be read" if isinstance(error, ValidationError) else str(error)
        typer.echo(f"not genuine: {why}", err=True)
        raise typer.Exit(FAILED) from error
    typer.echo(f"genuine: nothing of {job_id} was kept on {at:%F at %T} UTC")


def _known(url: str, keys: Path | None) -> JsonWebKeySet:
    if keys is not None:
        return JsonWebKeySet.model_validate_json(keys.read_bytes())
    try:
        answer = httpx.get(f"{url.rstrip('/')}{_KEYS}", timeout=10.0).raise_for_status()
    except httpx.HTTPError as error:
        typer.echo(f"cannot reach the service ({type(error).__name__})", err=True)
        raise typer.Exit(UNREACHABLE) from error
    return JsonWebKeySet.model_validate_json(answer.content)
