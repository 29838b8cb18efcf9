"""A neighbour that is away is waited for; one that answers wrongly is not believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from worker.backend import Deadline, ModelDescription, Tensor
from worker.domain import FloatArray
from worker.errors import BackendTimeout, BackendUnavailable, ContractMismatch
from worker.patience import PatientBackend, patiently
from worker.specs import AU, ModelSpec

RIGHT = ModelDescription("au", (), (), 0, {"digest": "right"})
WRONG = ModelDescription("au", (), (), 0, {"digest": "wrong"})
SOON = 20.0
ANSWER = {"action_units": np.zeros(1, np.float32)}


@dataclass
class Moody:
    """A backend that answers with what it was told to, one after the other, the last for ever."""

    answers: list[object]
    is_open: bool = False
    asked: int = 0
    models: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_open = False

    def _next(self) -> object:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],  # noqa: ARG002  # the protocol's
        outputs: Sequence[str],  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
    ) -> dict[str, FloatArray]:
        self.models.append(model)
        return self._next()

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:  # noqa: ARG002
        self.models.append(model)
        return self._next()


def check(spec: ModelSpec, served: ModelDescription) -> None:
    assert spec is AU
    if served is not RIGHT:
        raise ContractMismatch("another model")


def patient(*answers: object, patience_s: float = SOON) -> tuple[PatientBackend, Moody]:
    moody = Moody(list(answers))
    return PatientBackend(moody, patience_s, check), moody


def test_a_server_that_comes_back_has_cost_nothing() -> None:
    backend, moody = patient(BackendUnavailable(), BackendUnavailable(), ANSWER)
    with backend:
        assert moody.is_open
        assert backend.infer("au", {}, [], Deadline.after(SOON)) is ANSWER
    assert moody.asked == 3
    assert not moody.is_open


def test_patience_ends() -> None:
    backend, moody = patient(BackendUnavailable(), patience_s=0.0)
    with pytest.raises(BackendUnavailable):
        backend.infer("au", {}, [], Deadline.after(SOON))
    assert moody.asked == 1


def test_the_deadline_ends_it_before() -> None:
    backend, _ = patient(BackendUnavailable())
    with pytest.raises(BackendUnavailable):
        backend.infer("au", {}, [], Deadline.after(0.0))


@pytest.mark.parametrize("error", [BackendTimeout(), ContractMismatch(), ValueError()])
def test_what_is_no_outage_is_not_waited_for(error: Exception) -> None:
    backend, moody = patient(error, ANSWER)
    with pytest.raises(type(error)):
        backend.infer("au", {}, [], Deadline.after(SOON))
    assert moody.asked == 1


def test_the_right_model_is_waited_for() -> None:
    backend, moody = patient(BackendUnavailable(), WRONG, RIGHT)
    backend.await_model(AU, Deadline.after(SOON))
    assert moody.asked == 3
    assert backend.describe("au", Deadline.after(SOON)) is RIGHT


def test_a_wrong_model_is_never_taken() -> None:
    backend, _ = patient(WRONG, patience_s=0.0)
    with pytest.raises(ContractMismatch, match="another model"):
        backend.await_model(AU, Deadline.after(SOON))


def test_a_model_exchanged_in_mid_analysis_is_noticed() -> None:
    backend, _ = patient(RIGHT, WRONG)
    backend.await_model(AU, Deadline.after(SOON))
    with pytest.raises(ContractMismatch, match="exchanged"):
        backend.describe("au", Deadline.after(SOON))


def test_anything_may_be_waited_for() -> None:
    answers = iter([OSError(), OSError(), "done"])

    def attempt() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(attempt, (OSError,), Deadline.after(SOON)) == "done"
