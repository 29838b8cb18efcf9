"""What must not stand in a log, taken out of it: keys, secrets, addresses, names of files.

Messages and tracebacks are of many makers, so that what they may quote is told by its look.
"""

import logging
import re
from typing import Final

_GONE: Final = "***"
_SUFFIXES: Final = "mp4|m4v|mov|qt|webm|mkv|avi|mpe?g|wmv|flv|ogv|3gp|zip|jpe?g|png|bmp|tiff?|gif"
_RULES: Final = (
    # An API key: its first part is how people tell keys apart.
    (re.compile(r"\b(madv_[a-z0-9]{8})_[A-Za-z0-9_-]{20,}"), rf"\1_{_GONE}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), f"whsec_{_GONE}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=*-]{8,}"), rf"\1 {_GONE}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|api[_-]?key|access[_-]?key|signature)"
            r"\w*[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+"
        ),
        rf"\1{_GONE}",
    ),
    # Of the web only the host: paths and queries of webhooks and signed URLs are secrets.
    (re.compile(r"(?i)\b(https?|wss?)://(?:[^\s/@'\"]*@)?([^\s/?#'\"<>]+)[^\s'\"<>]*"), r"\1://\2"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*)://[^\s/@'\"]*@"), rf"\1://{_GONE}@"),
    # redis-py quotes the command that failed, with what it was to store.
    (re.compile(r"(Command # \d+) \(.*?\) (of pipeline caused)", re.DOTALL), rf"\1 {_GONE} \2"),
    # pydantic and others quote what they were given.
    (re.compile(r"\b(input_value|input)=(?:'[^']*'|\"[^\"]*\"|[^,\]\n]+)"), rf"\1={_GONE}"),
    (re.compile(rf"(?i)(['\"])[^'\"\n]*\.({_SUFFIXES})\1"), rf"\1{_GONE}.\2\1"),
    (re.compile(rf"(?i)[^\s'\"`<>|()\[\]{{}}=:,]+\.({_SUFFIXES})\b"), rf"{_GONE}.\1"),
)


def scrubbed(text: str) -> str:
    """The text without what is nobody's business."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


class Scrubbing(logging.Formatter):
    """Formats as another formatter does, then scrubs: message, arguments and traceback alike."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return scrubbed(self._inner.format(record))
