"""What FFmpeg's errors mean to the owner of a clip, in one place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import av

from worker.codes import ErrorCode
from worker.errors import ClipError

CODES: Final[Mapping[type[Exception], ErrorCode]] = {
    av.error.DecoderNotFoundError: ErrorCode.UNSUPPORTED_CODEC,
    av.error.ExperimentalError: ErrorCode.UNSUPPORTED_CODEC,
    av.error.NotImplementedError: ErrorCode.UNSUPPORTED_CODEC,
    av.error.PatchWelcomeError: ErrorCode.UNSUPPORTED_CODEC,
    av.error.ArgumentError: ErrorCode.DAMAGED_VIDEO,
    av.error.BufferTooSmallError: ErrorCode.DAMAGED_VIDEO,
    av.error.BugError: ErrorCode.DAMAGED_VIDEO,
    av.error.EOFError: ErrorCode.DAMAGED_VIDEO,
    av.error.ExternalError: ErrorCode.DAMAGED_VIDEO,
    av.error.InputChangedError: ErrorCode.DAMAGED_VIDEO,
    av.error.InvalidDataError: ErrorCode.DAMAGED_VIDEO,
    av.error.MemoryError: ErrorCode.TOO_MANY_PIXELS,
    av.error.OverflowError: ErrorCode.DAMAGED_VIDEO,
    av.error.UnknownError: ErrorCode.DAMAGED_VIDEO,
}
"""Errors that are the clip's fault."""
OURS: Final[tuple[type[Exception], ...]] = (
    OSError,
    av.error.ExitError,
    av.error.HTTPError,
    av.error.HTTPClientError,
    av.error.LookupError,
    av.error.OutputChangedError,
    av.error.PyAVCallbackError,
    av.error.UndefinedError,
)
"""Errors of this machine or this code, which another try may not meet: they stay as they are."""


def clip_error(error: av.FFmpegError) -> ClipError | None:
    """The clip's failure an FFmpeg error stands for, None where the clip is not to blame."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return ClipError(code, f"the decoder says: {error.strerror}")
    return None


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Raise FFmpeg's errors as the `ClipError`s they stand for."""
    try:
        yield
    except av.FFmpegError as error:
        if (failure := clip_error(error)) is None:
            raise
        raise failure from error
