"""What the pipeline asks of whatever runs the models."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray
from worker.errors import BackendTimeout

Tensor = npt.NDArray[np.uint8] | npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that all steps of a task share: what one spends, the next lacks."""

    expires_at_s: float
    """On the clock of `time.monotonic`."""

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self.expires_at_s

    def remaining_s(self) -> float:
        """Seconds left.

        Raises:
            BackendTimeout: None are left.
        """
        if self.is_over:
            raise BackendTimeout("the deadline has passed")
        return self.expires_at_s - time.monotonic()


@dataclass(frozen=True, slots=True)
class TensorDescription:
    """A tensor as a model declares it; `-1` is a free dimension, the batch axis comes first."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What is being served under a name."""

    name: str
    inputs: tuple[TensorDescription, ...]
    outputs: tuple[TensorDescription, ...]
    max_batch: int
    parameters: Mapping[str, str]


class Inference(Protocol):
    """Runs models by name. Every call may raise the `BackendError`s."""

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""


class Backend(Inference, Protocol):
    """A context manager: leaving it frees connections and sessions."""

    def __enter__(self) -> Self:
        """Ready for use."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release everything."""

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        """The tensors and parameters a model declares."""


class AroundBackend:
    """A backend that leaves everything to another one; what stands around it overrides."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __enter__(self) -> Self:
        """Ready for use."""
        self._backend.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release everything."""
        self._backend.__exit__(kind, error, traceback)

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        """The tensors and parameters a model declares."""
        return self._backend.describe(model, deadline)

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""
        return self._backend.infer(model, inputs, outputs, deadline)
