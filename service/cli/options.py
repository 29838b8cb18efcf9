"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from service.embedded.backend import Requested
from service.schemas import RecognizeOptions

ClipFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
DataDir = Annotated[Path, typer.Option("--data", help="Folder of everything that is kept.")]
Backend = Annotated[Requested, typer.Option(help="What runs the models.")]
ServiceUrl = Annotated[str, typer.Option("--url", envvar="MADV_URL", help="The service.")]
Fps = Annotated[
    float | None, typer.Option(help="Frames per second of an archive of frames (.zip).")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="To find jobs by; repeatable.")]

DEFAULT_DATA_DIR = Path(".madv")


def clip_options(
    fps: float | None,
    tags: list[str] | None,
    client_ref: str | None = None,
    *,
    deduplicate: bool = True,
) -> RecognizeOptions:
    """What was told on the command line, as the service wants it. Raises BadParameter."""
    told = {"fps": fps, "tags": tags, "client_ref": client_ref}
    given = {name: value for name, value in told.items() if value}
    try:
        return RecognizeOptions.model_validate({**given, "deduplicate": deduplicate})
    except ValidationError as exc:
        found = exc.errors(include_url=False)[0]
        raise typer.BadParameter(f"{found['loc'][0]}: {found['msg']}") from exc
