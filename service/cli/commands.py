"""All commands, gathered from the modules beside this one."""

import typer

from service.cli import batch, clips, doctor, keys, stack

app = typer.Typer(
    help="Recognises facial micro-expressions in video clips.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for _command in (stack.up, clips.recognize, clips.analyze, stack.demo, doctor.doctor):
    app.command()(_command)
app.add_typer(keys.app)
app.add_typer(batch.app)


def main() -> None:
    """Entry point of the `madv` command."""
    app()
