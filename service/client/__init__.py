"""Python client of the HTTP interface."""

from service.client.client import MadvClient
from service.client.errors import ClientError, JobFailed, Refused, Unreachable, WaitTimeout

__all__ = ["ClientError", "JobFailed", "MadvClient", "Refused", "Unreachable", "WaitTimeout"]
