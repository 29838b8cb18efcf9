"""An analysis that is watched: its stages and inferences become spans and figures."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from worker.backend import AroundBackend, Backend, Deadline, Tensor
from worker.domain import FloatArray
from worker.stopwatch import Stopwatch
from worker.telemetry.figures import ANALYSES, BATCHES, INFERENCES, STAGES, Tally
from worker.telemetry.tracing import span


class WatchedStopwatch(Stopwatch):
    """A stopwatch whose stages are spans too."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the block takes to a stage."""
        with span(name), super().stage(name):
            yield

    def count(self, tally: Tally) -> None:
        """Hand the stages on."""
        for name, spent_ms in self.timings_ms().items():
            if name != "total":
                tally.observe(STAGES, spent_ms / 1000, name)

    def count_whole(self, tally: Tally) -> None:
        """Hand on how long all of it took."""
        tally.observe(ANALYSES, self.timings_ms()["total"] / 1000)


class WatchedBackend(AroundBackend):
    """A backend whose inferences are spans under its name, and counted."""

    def __init__(self, backend: Backend, name: str, tally: Tally) -> None:
        super().__init__(backend)
        self._name = name
        self._tally = tally

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""
        rows = max(len(tensor) for tensor in inputs.values())
        start_s = time.perf_counter()
        with span(self._name, model=model, rows=rows):
            answer = super().infer(model, inputs, outputs, deadline)
        self._tally.observe(INFERENCES, time.perf_counter() - start_s, model)
        self._tally.observe(BATCHES, rows, model)
        return answer
