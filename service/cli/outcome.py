"""How a command ends: its exit code, and one line where it did not work."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer
from rich.console import Console
from rich.markup import escape

from service.client import ClientError, JobFailed, Refused, Unreachable
from service.embedded.processes import StackError

FAILED = 1
UNREACHABLE = 3
INTERRUPTED = 130


@contextmanager
def explained(console: Console) -> Iterator[None]:
    """Expected errors become a line and an exit code, never a traceback."""
    try:
        yield
    except Unreachable as error:
        console.print(f"[red]cannot reach the service[/red]: {escape(str(error))}")
        raise typer.Exit(UNREACHABLE) from error
    except (Refused, JobFailed) as error:
        console.print(f"[red]{error.code}[/red]: {escape(str(error))}")
        raise typer.Exit(FAILED) from error
    except (ClientError, StackError) as error:
        console.print(f"[red]failed[/red]: {escape(str(error))}", highlight=False)
        raise typer.Exit(FAILED) from error
    except subprocess.CalledProcessError as error:
        raise typer.Exit(error.returncode if error.returncode > 0 else FAILED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt inside, so that both end a command the same way."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # signal's shape
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
