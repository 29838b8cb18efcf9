"""Where the time of an analysis goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Wall-clock milliseconds per named stage, from its construction on."""

    def __init__(self) -> None:
        self._start_s = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the block takes to a stage."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            spent_ms = 1000 * (time.perf_counter() - start_s)
            self._stages[name] = self._stages.get(name, 0.0) + spent_ms

    def timings_ms(self) -> dict[str, float]:
        """The stages so far, and `total`: everything since construction."""
        stages = {**self._stages, "total": 1000 * (time.perf_counter() - self._start_s)}
        return {name: round(spent_ms, 3) for name, spent_ms in stages.items()}
