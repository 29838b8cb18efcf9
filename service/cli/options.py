"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from service.embedded.backend import Requested
from service.schemas import RecognizeOptions
from worker.contract import RECOGNIZERS, Faces, Mode

ClipFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
DataDir = Annotated[Path, typer.Option("--data", help="Folder of everything that is kept.")]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        envvar="MADV_REDIS_URL",
        show_envvar=True,
        help="Redis of the service; that of the stack running on --data if not told.",
    ),
]
Backend = Annotated[Requested, typer.Option(help="What runs the models.")]
ServiceUrl = Annotated[str, typer.Option("--url", envvar="MADV_URL", help="The service.")]
Fps = Annotated[
    float | None, typer.Option(help="Frames per second of an archive of frames (.zip).")
]
WhichRecognizer = Annotated[
    str, typer.Option("--recognizer", help=f"Of {', '.join(RECOGNIZERS)}; `au` infers no emotion.")
]
WhichMode = Annotated[
    Mode,
    typer.Option("--mode", help="The strongest events, or (spot) every micro-expression."),
]
WhichFaces = Annotated[
    Faces, typer.Option("--faces", help="The main face, or every face with a report of its own.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Also what moved where, and where the recognizer looked.")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="To find jobs by; repeatable.")]

DEFAULT_DATA_DIR = Path(".madv")


def clip_options(  # noqa: PLR0913  # what commands have as options
    fps: float | None,
    tags: list[str] | None,
    client_ref: str | None = None,
    *,
    recognizer: str = RECOGNIZERS[0],
    mode: Mode = Mode.CLIP,
    faces: Faces = Faces.MAIN,
    explain: bool = False,
    deduplicate: bool = True,
) -> RecognizeOptions:
    """What was told on the command line, as the service wants it. Raises BadParameter."""
    told = {"fps": fps, "tags": tags, "client_ref": client_ref, "explain": explain}
    given = {name: value for name, value in told.items() if value}
    chosen = {"recognizer": recognizer, "mode": mode, "faces": faces, "deduplicate": deduplicate}
    try:
        return RecognizeOptions.model_validate({**given, **chosen})
    except ValidationError as exc:
        found = exc.errors(include_url=False)[0]
        raise typer.BadParameter(f"{found['loc'][0]}: {found['msg']}") from exc
