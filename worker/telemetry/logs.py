"""Log lines for people, or as JSON with the ids of job and trace."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Literal

from worker.telemetry.scrub import Scrubbing
from worker.telemetry.tracing import trace_id

JOB_ID: Final[ContextVar[str | None]] = ContextVar("JOB_ID", default=None)
"""The job that is being dealt with; set by whoever deals with it."""


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`; `job_id`, `trace_id`, `error`.

    The last three where there are any.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "job_id": JOB_ID.get(),
            "trace_id": trace_id(),
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps({key: value for key, value in found.items() if value is not None})


def configure(log_format: Literal["text", "json"]) -> None:
    """Set up the log of this process: on standard error, from INFO on."""
    handler = logging.StreamHandler()
    is_json = log_format == "json"
    lines = JsonLines() if is_json else logging.Formatter("%(asctime)s %(message)s")
    handler.setFormatter(Scrubbing(lines))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    sys.excepthook = _log_uncaught
    # It would tell the addresses of webhooks, which may hold secrets.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What ends a process is told like everything else, scrubbed."""
    logging.getLogger(__name__).critical("this ends the process", exc_info=(kind, error, trace))
