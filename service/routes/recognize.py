"""The way in for clips."""

from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from service.dependencies import GatewayDep
from service.errors import GatewayCode, ProblemError, invalid_fields
from service.jobs import utc_now
from service.schemas import Job, RecognizeOptions
from service.upload import refuse_unless_video

router = APIRouter(prefix="/v1", tags=["recognize"])


@router.post("/recognize", status_code=202)
async def recognize(
    gateway: GatewayDep,
    response: Response,
    file: UploadFile,
    options: Annotated[str, Form(description="JSON object, see RecognizeOptions.")] = "{}",
) -> Job:
    """Take a clip (MP4, MOV, WebM, MKV, AVI) and queue its analysis."""
    wanted = _parse(options, gateway.settings.result_ttl_max_s)
    await refuse_unless_video(file)
    job_id = await gateway.intake.accept(file, wanted)
    job = await run_in_threadpool(gateway.jobs.find, job_id, utc_now())
    if job is None:
        raise ProblemError(GatewayCode.UNAVAILABLE, "The job record was lost.")
    response.headers["Location"] = job.links.self
    response.headers["Retry-After"] = str(gateway.settings.retry_after_s)
    return job


def _parse(options: str, ttl_max_s: int) -> RecognizeOptions:
    try:
        parsed = RecognizeOptions.model_validate_json(options)
    except ValidationError as exc:
        raise invalid_fields(
            [{**error, "loc": ("options", *error["loc"])} for error in exc.errors()]
        ) from exc
    if parsed.ttl_s and parsed.ttl_s > ttl_max_s:
        raise ProblemError(
            GatewayCode.INVALID_REQUEST,
            f"options.ttl_s: at most {ttl_max_s} seconds.",
            limit=ttl_max_s,
            measured=parsed.ttl_s,
        )
    return parsed
