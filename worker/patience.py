"""Waiting for a neighbour that is away: a pause costs a job nothing, a failed attempt does."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from worker.backend import AroundBackend, Backend, Deadline, ModelDescription, Tensor
from worker.domain import FloatArray
from worker.errors import BackendError, BackendUnavailable, ContractMismatch
from worker.specs import ModelSpec

T = TypeVar("T")
Check = Callable[[ModelSpec, ModelDescription], None]
"""Raises ContractMismatch where a model is served that this code was not written for."""

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


def patiently(
    attempt: Callable[[], T], outages: tuple[type[Exception], ...], patience: Deadline
) -> T:
    """What the attempt returns once it no longer meets an outage; the last one at the deadline."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except outages as outage:
            if patience.is_over:
                raise
            if pause_s == _FIRST_PAUSE_S:  # once for each wait
                _LOG.warning("waiting: %s", type(outage).__name__)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class PatientBackend(AroundBackend):
    """A backend that waits while its server is away, refuses, or serves something else.

    Args:
        backend: Does the work.
        patience_s: Longest wait for one answer.
        check: Compares a model with its specification.
    """

    def __init__(self, backend: Backend, patience_s: float, check: Check) -> None:
        super().__init__(backend)
        self._patience_s = patience_s
        self._check = check
        self._expected: dict[str, ModelDescription] = {}

    def await_model(self, spec: ModelSpec, deadline: Deadline) -> None:
        """Wait until what this code was written for is served; it must stay so to the end.

        Raises:
            BackendError: It is not, for longer than patience or deadline last.
        """

        def look() -> ModelDescription:
            served = self._backend.describe(spec.name, deadline)
            self._check(spec, served)
            return served

        outages = (BackendUnavailable, ContractMismatch)
        self._expected[spec.name] = patiently(look, outages, self._patience(deadline))

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""
        return patiently(
            lambda: self._backend.infer(model, inputs, outputs, deadline),
            (BackendUnavailable,),
            self._patience(deadline),
        )

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        """The tensors and parameters of a model.

        Raises:
            ContractMismatch: They are no longer those that were waited for.
        """
        served = patiently(
            lambda: self._backend.describe(model, deadline),
            (BackendUnavailable,),
            self._patience(deadline),
        )
        if served != self._expected.get(model, served):
            raise ContractMismatch(f"the model {model} was exchanged during the analysis")
        return served

    def _patience(self, deadline: Deadline) -> Deadline:
        try:
            left_s = deadline.remaining_s()
        except BackendError:
            left_s = 0.0
        return Deadline.after(min(self._patience_s, left_s))
