"""Commands that run the whole service on this machine."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from service.cli.options import DEFAULT_DATA_DIR, Backend, DataDir
from service.cli.outcome import explained, sigterm_as_interrupt
from service.demo import Demo
from service.embedded.stack import EmbeddedStack, StackConfig


def up(
    data: DataDir = DEFAULT_DATA_DIR,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the gateway.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Clips analysed at once.")] = 1,
    backend: Backend = "auto",
    *,
    auth: Annotated[
        bool, typer.Option("--auth", help="Ask for API keys, see `madv keys create`.")
    ] = False,
) -> None:
    """Run the whole service on this machine until Ctrl-C."""
    console = Console()
    settings = {"MADV_AUTH": "required" if auth else "off"}
    config = StackConfig(data, port=port, workers=workers, backend=backend, settings=settings)
    with explained(console), sigterm_as_interrupt():
        console.print("starting ...")
        try:
            with EmbeddedStack(config) as stack:
                console.print(f"ready: the page is at {stack.gateway_url}, the API at /docs there")
                console.print(
                    f"API keys: {'required' if auth else 'off, anybody here may call it'}"
                )
                console.print(f"models: {stack.backend.name} ({stack.backend.why})")
                console.print(f"data and logs: {config.data_dir.resolve()}; Ctrl-C stops it")
                stack.wait()
        except KeyboardInterrupt:
            console.print("stopped")


def demo(
    out: Annotated[Path, typer.Option(help="Where clip, result and plot go.")] = Path("runs/demo"),
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the service; temporary if not told.")
    ] = None,
    backend: Backend = "auto",
) -> None:
    """Start the service, recognise a made-up smile over HTTP, show and plot the answer."""
    console = Console()
    with explained(console), sigterm_as_interrupt():
        Demo(out, data, backend).run(console)
