# ruff: noqa: PLC0415  # the SDK is an extra, and loaded only where traces are wanted
"""Where spans go while a block runs: nowhere, unless the settings name a place."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOG = logging.getLogger(__name__)


def load(target: str) -> None:
    """Load what exporting will need, before processes are forked that would each load it.

    Raises:
        RuntimeError: Traces are wanted and the extra is not installed.
    """
    if not target:
        return
    try:
        import worker.telemetry.sdk  # noqa: F401
    except ModuleNotFoundError as error:
        raise RuntimeError("traces need OpenTelemetry's SDK: install `madv[telemetry]`") from error


@contextmanager
def in_background(target: str, service: str) -> Iterator[None]:
    """Export spans while the block runs, from a thread of its own; the rest when it ends."""
    if not target:
        yield
        return
    load(target)
    from worker.telemetry.sdk import export_in_background

    finish = export_in_background(target, service)
    try:
        yield
    finally:
        finish()


@contextmanager
def at_the_end(target: str, service: str) -> Iterator[None]:
    """Keep spans while the block runs and export them when it ends, all from this thread.

    For processes that fork: a lock that an exporter's thread held would stay locked for ever.
    """
    if not target:
        yield
        return
    load(target)
    from worker.telemetry.sdk import export_at_the_end

    export = export_at_the_end(target, service)
    try:
        yield
    finally:
        try:
            export()
        except OSError:
            _LOG.warning("the trace of a job was not exported", exc_info=True)
