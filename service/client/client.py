"""Upload a clip, follow its job, fetch its result."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import httpx
from pydantic import ValidationError

from service.client.errors import JobFailed, Refused, Unreachable, WaitTimeout
from service.schemas import Job, Problem, Readiness, RecognizeOptions
from worker.contract import AnalysisReport, JobState

DEFAULT_URL = "http://127.0.0.1:8000"
REQUEST_TIMEOUT = httpx.Timeout(30.0, write=120.0)
WAIT_TIMEOUT_S = 600.0

_PENDING = {JobState.QUEUED, JobState.PROCESSING}
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_PAUSE_GROWTH = 1.5


class MadvClient:
    """A connection to one service; a context manager. Not for use by several threads at once."""

    def __init__(self, url: str = DEFAULT_URL, timeout: httpx.Timeout = REQUEST_TIMEOUT) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def submit(self, clip: Path, options: RecognizeOptions | None = None) -> Job:
        """Upload a clip; its job is queued when this returns. Raises Refused, Unreachable."""
        chosen = (options or RecognizeOptions()).model_dump_json(exclude_defaults=True)
        with clip.open("rb") as file:
            answer = self._send(
                "POST",
                "/v1/recognize",
                files={"file": (clip.name, file)},
                data={"options": chosen},
            )
        return Job.model_validate_json(answer.content)

    def job(self, job_id: str) -> Job:
        """The job as it is now."""
        return Job.model_validate_json(self._send("GET", f"/v1/jobs/{job_id}").content)

    def wait(
        self,
        job_id: str,
        timeout_s: float = WAIT_TIMEOUT_S,
        on_update: Callable[[Job], None] = lambda _: None,
    ) -> Job:
        """The job once it has succeeded. Raises JobFailed, WaitTimeout."""
        deadline = time.monotonic() + timeout_s
        pause_s = _FIRST_PAUSE_S
        while (job := self.job(job_id)).status in _PENDING:
            on_update(job)
            if time.monotonic() + pause_s > deadline:
                raise WaitTimeout(job, timeout_s)
            time.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * _PAUSE_GROWTH)
        on_update(job)
        if job.status is not JobState.SUCCEEDED:
            raise JobFailed(job)
        return job

    def result(self, job_id: str) -> AnalysisReport:
        """The result of a job that has succeeded."""
        answer = self._send("GET", f"/v1/jobs/{job_id}/result")
        return AnalysisReport.model_validate_json(answer.content)

    def result_csv(self, job_id: str) -> str:
        """The AU trace with the column names of OpenFace."""
        headers = {"Accept": "text/csv"}
        return self._send("GET", f"/v1/jobs/{job_id}/result", headers=headers).text

    def recognize(
        self,
        clip: Path,
        options: RecognizeOptions | None = None,
        timeout_s: float = WAIT_TIMEOUT_S,
        on_update: Callable[[Job], None] = lambda _: None,
    ) -> AnalysisReport:
        """Upload a clip, wait for its job, fetch its result."""
        job = self.submit(clip, options)
        self.wait(job.id, timeout_s, on_update)
        return self.result(job.id)

    def ready(self) -> Readiness:
        """The parts of the service. Raises Refused where one does not work."""
        return Readiness.model_validate_json(self._send("GET", "/v1/health/ready").content)

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, BinaryIO]] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, path, headers=headers, files=files, data=data)
        except httpx.TransportError as exc:
            raise Unreachable(f"{self._http.base_url}: {type(exc).__name__}: {exc}") from exc
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return answer
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError as exc:
            raise Unreachable(
                f"{self._http.base_url} answers {answer.status_code} without a problem document; "
                "is it this service?"
            ) from exc
        raise Refused(problem)
