"""The page for people: static files, which ask for everything else through the interface.

They need no key, since they hold nothing of anybody; what they fetch does.
"""

import gzip
import mimetypes
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header
from fastapi.responses import PlainTextResponse, Response

from service.errors import GatewayCode, ProblemError

BUILT: Final = Path(__file__).parents[1] / "web" / "dist"
"""What `npm run build` makes of `service/web`; shipped with the package."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing of other hosts, nothing inline. Videos and pictures of this browser's own are blobs."""
_SECURITY: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_INDEX: Final = "index.html"
_COMPRESSED: Final = frozenset({".html", ".js", ".css", ".svg", ".json"})
_NOT_BUILT: Final = (
    "The page has not been built. In the repository `make page` does it (or, with Node 20.19 or\n"
    "later, `npm ci && npm run build` in service/web). The interface is at /v1, described at "
    "/docs.\n"
)

Accepted = Annotated[str, Header(alias="Accept-Encoding")]


def page_routes(folder: Path = BUILT) -> APIRouter:
    """Routes for a page built into a folder, and for words where there is none."""
    router = APIRouter(include_in_schema=False)
    files = _Files(folder)

    @router.get("/")
    @router.get("/gallery")
    def page(accepted: Accepted = "") -> Response:
        if not files.has(_INDEX):
            return PlainTextResponse(_NOT_BUILT, HTTPStatus.NOT_FOUND)
        return files.answer(_INDEX, _ASK_AGAIN, accepted)

    @router.get("/favicon.svg")
    def icon(accepted: Accepted = "") -> Response:
        return files.answer("favicon.svg", _ASK_AGAIN, accepted)

    @router.get("/assets/{name}")
    def asset(name: str, accepted: Accepted = "") -> Response:
        # Named by what they hold, they never change.
        return files.answer(f"assets/{name}", _FOR_EVER, accepted)

    @router.get("/gallery/{name}")
    def exhibit(name: str, accepted: Accepted = "") -> Response:
        return files.answer(f"gallery/{name}", _ASK_AGAIN, accepted)

    return router


class _Files:
    """The files there were when first asked. Others are not looked for on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = cache(self._list)
        self._packed = cache(self._pack)

    def has(self, name: str) -> bool:
        return name in self._names()

    def answer(self, name: str, caching: str, accepted: str) -> Response:
        """A file, compressed where that is understood. Raises ProblemError where there is none."""
        if not self.has(name):
            raise ProblemError(GatewayCode.NOT_FOUND, "The page has no such file.")
        is_text = Path(name).suffix in _COMPRESSED
        is_packed = is_text and "gzip" in accepted
        packing = {"Content-Encoding": "gzip"} if is_packed else {}
        varying = {"Vary": "Accept-Encoding"} if is_text else {}
        return Response(
            self._packed(name) if is_packed else (self._folder / name).read_bytes(),
            media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            headers={**_SECURITY, **packing, **varying, "Cache-Control": caching},
        )

    def _list(self) -> frozenset[str]:
        files = (path for path in self._folder.rglob("*") if path.is_file())
        return frozenset(path.relative_to(self._folder).as_posix() for path in files)

    def _pack(self, name: str) -> bytes:
        return gzip.compress((self._folder / name).read_bytes(), mtime=0)
