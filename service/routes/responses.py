"""Answers several routes give, and how the interface's description names its problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from service.access import not_ready
from service.audit.chain import Action
from service.dependencies import Gateway
from service.errors import MEDIA_TYPE, ProblemError
from service.following import wait_until
from service.openface import csv_of
from service.principal import Principal
from service.rendering import job_document
from service.schemas import Job
from service.tabular import parquet_of
from worker.contract import AnalysisReport, ErrorCode, PlotPayload, plot_key, result_key

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"
PARQUET_TYPE = "application/vnd.apache.parquet"
PNG_TYPE = "image/png"
RESULT_TYPES = (JSON_TYPE, CSV_TYPE, PARQUET_TYPE, PNG_TYPE)
_SUFFIXES = {JSON_TYPE: "json", CSV_TYPE: "csv", PARQUET_TYPE: "parquet", PNG_TYPE: "png"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The descriptions of the problems an operation may answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, HTTPStatus.INTERNAL_SERVER_ERROR.value)
    }


def tagged(job: Job, if_none_match: str | None, headers: Mapping[str, str]) -> Response:
    """A job with its ETag; 304 without it where the caller has it already."""
    body, etag = job_document(job)
    kept = {**headers, "ETag": etag, "Cache-Control": "no-store"}
    if is_known(etag, if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)
    return Response(body, media_type=JSON_TYPE, headers=kept)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the caller holds this version (RFC 9110, section 13.1.2)."""
    held = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in held or "*" in held


async def result_response(
    gateway: Gateway, caller: Principal, job: Job, media_type: str, headers: Mapping[str, str]
) -> Response:
    """The result of a job that has succeeded, as one of `RESULT_TYPES`; noted in the audit log."""
    await gateway.trail.note(Action.READ_RESULT, caller, job.id)
    document = await _document(job.id, gateway)
    match media_type:
        case "text/csv":
            text = await run_in_threadpool(_to_csv, document)
            return _download(text.encode(), f"{CSV_TYPE}; charset=utf-8", job, CSV_TYPE, headers)
        case "application/vnd.apache.parquet":
            body = await run_in_threadpool(_to_parquet, document)
        case "image/png":
            body = await _plot(gateway, job)
        case _:
            body = document
    return _download(body, media_type, job, media_type, headers)


async def _plot(gateway: Gateway, job: Job) -> bytes:
    """The plot, drawn by a worker when first asked for."""

    async def look() -> bytes | None:
        try:
            return await gateway.blobs.read(plot_key(job.id))
        except FileNotFoundError:
            return None

    drawn = await look()
    if drawn is None:
        wanted = PlotPayload(result_key=result_key(job.id), plot_key=plot_key(job.id))
        await run_in_threadpool(gateway.queue.enqueue_plot, wanted)
        wait_s = gateway.settings.plot_timeout_s
        drawn = await wait_until(
            gateway.changes, plot_key(job.id), look, lambda found: found is not None, wait_s
        )
    if drawn is None:
        raise not_ready("The plot has not been drawn yet.", gateway.settings.retry_after_s)
    return drawn


async def _document(job_id: str, gateway: Gateway) -> bytes:
    try:
        return await gateway.blobs.read(result_key(job_id))
    except FileNotFoundError as exc:
        raise ProblemError(ErrorCode.INTERNAL, "The result document is missing.") from exc


def _to_csv(document: bytes) -> str:
    return csv_of(AnalysisReport.model_validate_json(document))


def _to_parquet(document: bytes) -> bytes:
    return parquet_of(AnalysisReport.model_validate_json(document))


def _download(
    body: bytes, content_type: str, job: Job, kind: str, headers: Mapping[str, str]
) -> Response:
    return Response(
        body,
        media_type=content_type,
        headers={
            "Content-Disposition": f'inline; filename="{job.id}.{_SUFFIXES[kind]}"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
            **headers,
        },
    )
