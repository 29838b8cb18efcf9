"""A caller's jobs and batches: another tenant's do not exist for them."""

from datetime import datetime

from service.dependencies import Gateway
from service.errors import GatewayCode, ProblemError
from service.principal import Principal
from service.schemas import Job
from service.state import Standing, describe
from service.store.batches import BatchStanding
from service.store.jobs import utc_now
from service.store.reader import Deleted
from worker.contract import ErrorCode, JobState
from worker.telemetry.logs import JOB_ID


async def owned_job(gateway: Gateway, caller: Principal, job_id: str) -> Standing:
    """The caller's job. Raises ProblemError: 404 where there is none, 410 where it was deleted."""
    JOB_ID.set(job_id)
    match await gateway.jobs.find(job_id, utc_now()):
        case Standing() as standing if standing.record.tenant == caller.tenant:
            return standing
        case Deleted(tenant=caller.tenant):
            raise ProblemError(GatewayCode.JOB_DELETED, "The job and all its data were deleted.")
        case _:
            raise ProblemError(GatewayCode.JOB_NOT_FOUND, "No job has this id.")


async def owned_batch(gateway: Gateway, caller: Principal, batch_id: str) -> BatchStanding:
    """The caller's batch. Raises ProblemError: 404 where there is none."""
    found = await gateway.batches.find(batch_id)
    if found is None or found.record.tenant != caller.tenant:
        raise ProblemError(GatewayCode.BATCH_NOT_FOUND, "No batch has this id.")
    return found


def refuse_unless_succeeded(job: Job, retry_after_s: int) -> None:
    """Raise the problem that says why a job has no result, or none yet."""
    match job.status:
        case JobState.SUCCEEDED:
            return
        case JobState.EXPIRED:
            raise ProblemError(
                GatewayCode.EXPIRED, f"The result was kept until {job.expires_at:%FT%TZ}."
            )
        case JobState.CANCELED:
            raise ProblemError(GatewayCode.JOB_CANCELED, "A canceled job has no result.")
        case JobState.FAILED:
            raise _failed(job)
        case _:
            raise not_ready(f"The job is {job.status}.", retry_after_s)


def not_ready(detail: str, retry_after_s: int) -> ProblemError:
    """The problem of what can be had a little later."""
    return ProblemError(
        GatewayCode.RESULT_NOT_READY, detail, headers={"Retry-After": str(retry_after_s)}
    )


def seen(standing: Standing, now: datetime | None = None) -> Job:
    """What a caller sees of a job now."""
    return describe(standing, now or utc_now())


def _failed(job: Job) -> ProblemError:
    if job.error is None:
        return ProblemError(ErrorCode.INTERNAL, "The analysis failed on our side.")
    return ProblemError.of_failure(job.error)
