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
    """The service did not answer. `is_passing`: a proxy before it says that it is away."""

    def __init__(self, message: str, *, is_passing: bool = False) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class Refused(ClientError):
    """The service answered with a problem (RFC 9457).

    `retry_after_s` is what it asked to wait before another try, None where it did not.
    """

    def __init__(self, problem: Problem, retry_after_s: float | None = None) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem
        self.retry_after_s = retry_after_s

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
    """The job had not ended in time; it may still do. `job` is what was last seen of it."""

    def __init__(self, job_id: str, job: Job | None, timeout_s: float) -> None:
        state = f"is still {job.status}" if job else "has not been seen"
        super().__init__(f"{job_id} {state} after {timeout_s:.0f} s")
        self.job_id = job_id
        self.job = job
