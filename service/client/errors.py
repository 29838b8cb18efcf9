"""The error tree of the client.

ClientError
├── Unreachable    no answer, or none that makes sense
├── Refused        the service answered with a problem
├── JobFailed      the job ended without a result
└── WaitTimeout    the job had not ended in time
"""

from service.schemas import Job, Problem


class ClientError(Exception):
    """Root of everything the client raises on purpose."""


class Unreachable(ClientError):
    """The service did not answer."""


class Refused(ClientError):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem

    @property
    def code(self) -> str:
        """The problem's stable code."""
        return self.problem.code


class JobFailed(ClientError):
    """The job ended failed, canceled or expired."""

    def __init__(self, job: Job) -> None:
        detail = f"{job.error.code}: {job.error.detail}" if job.error else job.status
        super().__init__(detail)
        self.job = job

    @property
    def code(self) -> str:
        """The failure's stable code, or the state the job ended in."""
        return self.job.error.code if self.job.error else self.job.status


class WaitTimeout(ClientError):
    """The job had not ended in time; it may still do."""

    def __init__(self, job: Job, timeout_s: float) -> None:
        super().__init__(f"{job.id} is still {job.status} after {timeout_s:.0f} s")
        self.job = job
