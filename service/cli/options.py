"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from service.embedded.backend import Requested

ClipFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
DataDir = Annotated[Path, typer.Option("--data", help="Folder of everything that is kept.")]
Backend = Annotated[Requested, typer.Option(help="What runs the models.")]
ServiceUrl = Annotated[str, typer.Option("--url", envvar="MADV_URL", help="The service.")]

DEFAULT_DATA_DIR = Path(".madv")
