"""All commands, gathered from the modules beside this one."""

import typer

from service.cli import audit, batch, clips, doctor, keys, receipts, stack

app = typer.Typer(
    help="Recognises facial micro-expressions in video clips.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for _command in (stack.up, clips.recognize, clips.analyze, stack.demo, doctor.doctor):
    app.command()(_command)
app.add_typer(keys.app)
app.add_typer(batch.app)
app.add_typer(audit.app)
app.add_typer(receipts.app)


def main() -> None:
    """Entry point of the `madv` command."""
    app()
