"""The error tree of the worker.

MadvError
├── ClipError            the clip cannot be analysed: a result with a code, never retried
│   └── one code of `ErrorCode` each, in `.failure`
└── BackendError         the model server failed: raised, retried, seen
    ├── BackendUnavailable   not reachable, or refusing because it is overloaded
    ├── BackendTimeout       the deadline passed
    └── ContractMismatch     it serves other tensors, labels or preprocessing than this code
"""

from worker.contract import ErrorCode, Failure


class MadvError(Exception):
    """Root of everything this package raises on purpose."""


class ClipError(MadvError):
    """A clip that cannot be analysed. `failure` is what the user is told."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        limit: float | None = None,
        measured: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.failure = Failure(code=code, detail=detail, limit=limit, measured=measured)


class BackendError(MadvError):
    """The model server failed in a way that is not the clip's fault."""


class BackendUnavailable(BackendError):
    """The model server cannot be reached or refuses work for now."""


class BackendTimeout(BackendError):
    """The model server did not answer before the deadline."""


class ContractMismatch(BackendError):
    """The model server serves something else than this code was written for."""
