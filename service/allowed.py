"""Which methods an address answers: of several routes, a router names the first one's only."""

from starlette.requests import Request
from starlette.routing import Match

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(request: Request) -> str:
    """The value of `Allow` for the address of a request."""
    return ", ".join(method for method in _METHODS if _is_answered(request, method))


def _is_answered(request: Request, method: str) -> bool:
    asked = {
        "type": "http",
        "method": method,
        "path": request.scope["path"],
        "root_path": request.scope.get("root_path", ""),
        "headers": [],
        "query_string": b"",
    }
    routes = request.app.router.routes
    return any(route.matches(dict(asked))[0] is Match.FULL for route in routes)
