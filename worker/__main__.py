# ruff: noqa: PLC0415  # each sub-command loads what it needs: some parts may not be installed
"""`python -m worker`: everything that needs video or models, as sub-commands."""

import json
from pathlib import Path
from typing import Annotated

import typer

from worker.contract import RECOGNIZERS, AnalysisReport, Faces, Mode
from worker.errors import BackendError, ClipError, DecoderUnfit

EXIT_CLIP_UNUSABLE = 1
EXIT_MODELS_UNUSABLE = 3
EXIT_DECODER_UNFIT = 4
"""2 is for misused commands, everywhere."""

app = typer.Typer(
    name="python -m worker",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show variables, and what those hold
    help=__doc__,
)
ClipPath = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A video, or a .zip of numbered frames.")
]
FramesPerSecond = Annotated[
    float | None, typer.Option(min=0.001, max=1000, help="Of a .zip of frames, which needs it.")
]


@app.command()
def run() -> None:
    """Work on the queue until told to stop. Configured by MADV_* variables."""
    from worker import main
    from worker.settings import WorkerSettings

    settings = WorkerSettings()  # type: ignore[call-arg]  # the environment gives what is missing
    try:
        main.run(settings)
    except BackendError as error:
        raise _models_unusable(error) from error
    except DecoderUnfit as error:
        raise _decoder_unfit(error) from error


@app.command()
def verify() -> None:
    """Compare the served models with this code and run them once; exit code 3 if they differ."""
    from worker import main
    from worker.settings import ModelSettings

    settings = ModelSettings()
    try:
        proof = main.prove_patiently(main.backend_opener(settings), settings)
    except BackendError as error:
        raise _models_unusable(error) from error
    typer.echo(f"models as expected; one inference by {proof.backend}: {proof.latency_ms:.0f} ms")


@app.command()
def analyze(  # noqa: PLR0913  # a command's options are its arguments
    file: ClipPath,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Where the result goes; standard output if not.")
    ] = None,
    recognizer: Annotated[str, typer.Option(help="Who judges the event.")] = RECOGNIZERS[0],
    fps: FramesPerSecond = None,
    *,
    mode: Annotated[
        Mode, typer.Option(help="The strongest events, or every micro-expression.")
    ] = Mode.CLIP,
    faces: Annotated[Faces, typer.Option(help="The main face, or each of them.")] = Faces.MAIN,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also what moved where, and where was looked.")
    ] = False,
) -> None:
    """Analyse one clip in this process, without any server."""
    from worker.offline import analyse_file
    from worker.settings import DecodeSettings, ModelSettings

    if recognizer not in RECOGNIZERS:
        raise typer.BadParameter(f"{recognizer} is none of: {', '.join(RECOGNIZERS)}")
    try:
        report = analyse_file(
            file,
            ModelSettings().model_repo,
            DecodeSettings().limits(),
            recognizer,
            fps,
            mode=mode,
            faces=faces,
            explain=explain,
        )
    except ClipError as error:
        raise _clip_unusable(error) from error
    except BackendError as error:
        raise _models_unusable(error) from error
    text = report.model_dump_json(by_alias=True, indent=1)
    if json_path is None:
        typer.echo(text)
    else:
        json_path.write_text(text + "\n", encoding="utf-8")


@app.command()
def demo_clip(
    out: Annotated[Path, typer.Argument(dir_okay=False, help="Where it goes; .mp4.")],
) -> None:
    """Write the demo clip: a portrait that smiles for half a second."""
    from worker.demo.clip import write_demo_clip

    write_demo_clip(out)


@app.command()
def plot(
    result: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A result's JSON.")],
    file: ClipPath,
    out: Annotated[Path, typer.Argument(dir_okay=False, help="Where the picture goes; .png.")],
    fps: FramesPerSecond = None,
) -> None:
    """Draw a result: key frames, AU traces and class probabilities."""
    from worker.report.keyframes import key_frames
    from worker.report.plot import draw

    report = AnalysisReport.model_validate(json.loads(result.read_text(encoding="utf-8")))
    try:
        frames = key_frames(report, file, fps)
    except ClipError as error:
        raise _clip_unusable(error) from error
    out.write_bytes(draw(report, file.name, frames))


def _clip_unusable(error: ClipError) -> typer.Exit:
    typer.echo(f"{error.failure.code}: {error.failure.detail}", err=True)
    return typer.Exit(EXIT_CLIP_UNUSABLE)


def _decoder_unfit(error: DecoderUnfit) -> typer.Exit:
    typer.echo(f"clips cannot be decoded safely: {error}", err=True)
    return typer.Exit(EXIT_DECODER_UNFIT)


def _models_unusable(error: BackendError) -> typer.Exit:
    typer.echo(f"the models cannot be used: {error}", err=True)
    return typer.Exit(EXIT_MODELS_UNUSABLE)


if __name__ == "__main__":
    app()
