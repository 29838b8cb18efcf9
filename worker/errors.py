"""The error tree of the worker.

MadvError
├── ClipError            the clip cannot be analysed: a result with a code, never retried
│   └── one code of `ErrorCode` each, in `.failure`
├── DecoderError         decoding failed without the clip being at fault: raised, retried, seen
│   ├── DecoderBroken        while a clip was decoded
│   └── DecoderUnfit         at the start: too old, or not working at all
└── BackendError         the model server failed: raised, retried, seen
    ├── BackendUnavailable   not reachable, or refusing because it is overloaded
    ├── BackendTimeout       the deadline passed
    └── ContractMismatch     it serves other tensors, labels or preprocessing than this code
"""

from typing import TYPE_CHECKING

from worker.codes import ErrorCode

if TYPE_CHECKING:  # pydantic takes longer to load than most clips to decode
    from worker.contract import Failure


class MadvError(Exception):
    """Root of everything this package raises on purpose."""


class ClipError(MadvError):
    """A clip that cannot be analysed.

    Args:
        code: Why.
        detail: The same in words.
        limit: What was passed, where a limit was.
        measured: By how much.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        limit: float | None = None,
        measured: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.limit = limit
        self.measured = measured

    @property
    def failure(self) -> "Failure":
        """What the user is told."""
        from worker.contract import Failure  # noqa: PLC0415  # see above

        return Failure(code=self.code, detail=self.detail, limit=self.limit, measured=self.measured)


class DecoderError(MadvError):
    """Decoding failed in a way that is not the clip's fault."""


class DecoderBroken(DecoderError):
    """The decoder's process failed for reasons of its own."""


class DecoderUnfit(DecoderError):
    """No stranger's file should be decoded on this machine as it is."""


class BackendError(MadvError):
    """The model server failed in a way that is not the clip's fault."""


class BackendUnavailable(BackendError):
    """The model server cannot be reached or refuses work for now."""


class BackendTimeout(BackendError):
    """The model server did not answer before the deadline."""


class ContractMismatch(BackendError):
    """The model server serves something else than this code was written for."""
