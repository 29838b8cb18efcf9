"""A job as the bytes that are sent."""

import hashlib

from service.schemas import Job


def job_document(job: Job) -> tuple[bytes, str]:
    """A job as JSON, and the entity tag that changes with it."""
    body = job.model_dump_json().encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
