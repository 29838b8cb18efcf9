"""Jobs and their results."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response
from fastapi.concurrency import run_in_threadpool

from service.dependencies import Gateway, GatewayDep
from service.errors import GatewayCode, ProblemError
from service.jobs import utc_now
from service.negotiation import best_of
from service.openface import csv_of
from service.schemas import Job
from worker.contract import AnalysisReport, ErrorCode, JobState, result_key

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

JobId = Annotated[str, Path(description="As answered by POST /v1/recognize.", max_length=64)]


@router.get("/{job_id}")
async def job(job_id: JobId, gateway: GatewayDep, response: Response) -> Job:
    """The job, whatever its state. `Retry-After` suggests when to ask again."""
    found = await _find(job_id, gateway)
    if found.status in {JobState.QUEUED, JobState.PROCESSING}:
        response.headers["Retry-After"] = str(gateway.settings.retry_after_s)
    response.headers["Cache-Control"] = "no-store"
    return found


@router.get(
    "/{job_id}/result",
    responses={200: {"model": AnalysisReport, "content": {CSV_TYPE: {}}}},
    response_model=None,
)
async def result(
    job_id: JobId,
    gateway: GatewayDep,
    accept: Annotated[str, Header()] = "*/*",
) -> Response:
    """The result as JSON, or its AU trace as CSV with the column names of OpenFace."""
    media_type = best_of(accept, (JSON_TYPE, CSV_TYPE))
    if media_type is None:
        raise ProblemError(
            GatewayCode.NOT_ACCEPTABLE, f"Results come as {JSON_TYPE} or {CSV_TYPE}."
        )
    _refuse_unless_succeeded(await _find(job_id, gateway), gateway)
    document = await _document(job_id, gateway)
    if media_type == CSV_TYPE:
        text = await run_in_threadpool(_to_csv, document)
        return _download(text.encode(), f"{CSV_TYPE}; charset=utf-8", f"{job_id}.csv")
    return _download(document, JSON_TYPE, f"{job_id}.json")


async def _find(job_id: str, gateway: Gateway) -> Job:
    found = await run_in_threadpool(gateway.jobs.find, job_id, utc_now())
    if found is None:
        raise ProblemError(GatewayCode.JOB_NOT_FOUND, "No job has this id.")
    return found


def _refuse_unless_succeeded(job: Job, gateway: Gateway) -> None:
    match job.status:
        case JobState.SUCCEEDED:
            return
        case JobState.EXPIRED:
            raise ProblemError(
                GatewayCode.EXPIRED, f"The result was kept until {job.expires_at:%FT%TZ}."
            )
        case JobState.CANCELED:
            raise ProblemError(GatewayCode.JOB_CANCELED, "A canceled job has no result.")
        case JobState.FAILED if job.error is not None:
            raise ProblemError.of_failure(job.error)
        case _:
            raise ProblemError(
                GatewayCode.RESULT_NOT_READY,
                f"The job is {job.status}.",
                headers={"Retry-After": str(gateway.settings.retry_after_s)},
            )


async def _document(job_id: str, gateway: Gateway) -> bytes:
    try:
        return await gateway.blobs.read(result_key(job_id))
    except FileNotFoundError as exc:
        raise ProblemError(ErrorCode.INTERNAL, "The result document is missing.") from exc


def _to_csv(document: bytes) -> str:
    return csv_of(AnalysisReport.model_validate_json(document))


def _download(body: bytes, media_type: str, name: str) -> Response:
    return Response(
        body,
        media_type=media_type,
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
        },
    )
