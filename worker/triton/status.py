"""What a gRPC status means to the caller, in one place."""

from collections.abc import Mapping
from typing import Final

from tritonclient.utils import InferenceServerException

from worker.errors import BackendError, BackendTimeout, BackendUnavailable, ContractMismatch

ERRORS: Final[Mapping[str, type[BackendError]]] = {
    "CANCELLED": BackendUnavailable,
    "UNKNOWN": BackendError,
    "INVALID_ARGUMENT": ContractMismatch,
    "DEADLINE_EXCEEDED": BackendTimeout,
    "NOT_FOUND": ContractMismatch,
    "ALREADY_EXISTS": BackendError,
    "PERMISSION_DENIED": BackendError,
    "UNAUTHENTICATED": BackendError,
    "RESOURCE_EXHAUSTED": BackendUnavailable,
    "FAILED_PRECONDITION": ContractMismatch,
    "ABORTED": BackendUnavailable,
    "UNIMPLEMENTED": ContractMismatch,
    "OUT_OF_RANGE": ContractMismatch,
    "INTERNAL": BackendError,
    "UNAVAILABLE": BackendUnavailable,
    "DATA_LOSS": BackendError,
}
"""By name of the `grpc.StatusCode`."""


def backend_error(error: InferenceServerException) -> BackendError:
    """The error of ours that a Triton client's error stands for."""
    status = str(error.status() or "").removeprefix("StatusCode.")
    # Without a status the client itself refused the tensors it was given.
    kind = ERRORS[status] if status else ContractMismatch
    return kind(f"Triton answers {status or 'nothing'}: {error.message()}")
