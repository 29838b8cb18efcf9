"""How long requests take, by route and status: counted in plain numbers, made up when asked for.

Polls are answered in tens of microseconds; a counter with a lock and labels would be felt.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_LE: Final = (*map(str, BOUNDS), "+Inf")
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_PREFER: Final = b"prefer"


class Answered(NamedTuple):
    """What requests have in common. Addresses without a route share one name."""

    method: str
    route: str
    status: str
    waits: str
    """`yes` where the caller asked to be kept waiting, as long polls do."""


class Timings:
    """Durations of one kind of request."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * len(_LE)
        self.sum_s = 0.0

    def note(self, spent_s: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS, spent_s)] += 1
        self.sum_s += spent_s


class RequestTimes(Collector):
    """Durations until an answer began, uploads included and streams not."""

    def __init__(self) -> None:
        self._timings: dict[Answered, Timings] = {}

    def of(self, answered: Answered) -> Timings:
        """Those of one kind."""
        return self._timings.setdefault(answered, Timings())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """As Prometheus takes them."""
        family = HistogramMetricFamily(
            "madv_http_request_seconds",
            "Time from a request's head to the head of its answer.",
            labels=Answered._fields,
        )
        for answered, timings in list(self._timings.items()):
            buckets = list(zip(_LE, map(float, accumulate(timings.counts)), strict=True))
            family.add_metric(answered, buckets, timings.sum_s)
        yield family


class Timed:
    """ASGI middleware that times requests. Plain polls have been answered before."""

    def __init__(self, app: ASGIApp, times: RequestTimes) -> None:
        self._app = app
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_s = time.perf_counter()
        status = "none"  # where the caller has gone before

        async def timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                self._note(scope, status, start_s)
            await send(message)

        try:
            await self._app(scope, receive, timed)
        finally:
            if status == "none":
                self._note(scope, status, start_s)

    def _note(self, scope: Scope, status: str, start_s: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        waits = "yes" if _waits(scope) else "no"
        answered = Answered(method, route, status, waits)
        self._times.of(answered).note(time.perf_counter() - start_s)


def _waits(scope: Scope) -> bool:
    is_asked = b"wait=" in scope["query_string"]
    return is_asked or any(name == _PREFER for name, _ in scope["headers"])
