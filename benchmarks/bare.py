"""What the gateway is compared with: a Starlette app that does nothing a service would need.

`python benchmarks/bare.py PORT SAMPLE disk|memory`: `POST /v1/recognize` spools the form's file and
forgets it; every GET is answered with the bytes of the file SAMPLE. Starlette keeps files of less
than 1 MB in memory (`memory`); a service that has to keep them cannot (`disk`).
"""

import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.__main__ import serve


def bare_app(sample: bytes) -> Starlette:
    """An app whose answers are always the same bytes."""

    async def take(request: Request) -> Response:
        async with request.form():
            return Response(sample, 202, media_type="application/json")

    async def constant(_: Request) -> Response:
        return Response(sample, media_type="application/json")

    return Starlette(
        routes=[
            Route("/v1/recognize", take, methods=["POST"]),
            Route("/{path:path}", constant, methods=["GET"]),
        ]
    )


def main(port: str, sample: str, spool: str) -> None:
    """Serve until told to stop."""
    if spool == "disk":
        MultiPartParser.spool_max_size = 1
    serve(bare_app(Path(sample).read_bytes()), host="127.0.0.1", port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
