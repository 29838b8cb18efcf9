"""Python client of the HTTP interface: `MadvClient`, and `AsyncMadvClient` for async code."""

from service.client._async.client import AsyncMadvClient
from service.client._sync.client import MadvClient
from service.client.address import DEFAULT_URL
from service.client.answers import JobEvent
from service.client.errors import ClientError, JobFailed, Refused, Unreachable, WaitTimeout
from service.client.retries import Retries

__all__ = [
    "DEFAULT_URL",
    "AsyncMadvClient",
    "ClientError",
    "JobEvent",
    "JobFailed",
    "MadvClient",
    "Refused",
    "Retries",
    "Unreachable",
    "WaitTimeout",
]
