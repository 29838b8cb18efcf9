"""`python -m service` runs one gateway, configured by `MADV_*` environment variables.

`python -m service openapi [FILE]` writes the description of the interface instead.
"""

import gc
import sys
from pathlib import Path
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from service.app import create_gateway
from service.openapi import golden_document
from service.settings import GatewaySettings
from worker.telemetry.logs import configure


def serve(
    app: ASGIApp, *, host: str, port: int, log_format: Literal["text", "json"] = "text"
) -> None:
    """Serve until SIGINT or SIGTERM."""
    configure(log_format)
    gc.freeze()  # what is imported stays, so that no collection has to walk through it
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,  # ours holds, which scrubs
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def main(arguments: list[str]) -> None:
    """Run what the command line asks for."""
    match arguments:
        case []:
            settings = GatewaySettings()  # type: ignore[call-arg]  # filled from the environment
            serve(
                create_gateway(settings),
                host=settings.host,
                port=settings.port,
                log_format=settings.log_format,
            )
        case ["openapi"]:
            sys.stdout.write(golden_document())
        case ["openapi", path]:
            Path(path).write_text(golden_document(), encoding="utf-8")
        case _:
            sys.exit("usage: python -m service [openapi [FILE]]")


if __name__ == "__main__":
    main(sys.argv[1:])
