"""Names of the keys several parts of the store share; a job's own are in `worker.contract`."""

from service.state import JobRecord

DEADLINES = "madv:deadlines"
"""Sorted by the moment a job that has not ended must end."""
EXPIRY = "madv:expiry"
"""Sorted by the moment the blobs of an ended job are to be erased."""
RESERVATIONS = "madv:reservations"
"""Uploads under way (`job id:key id`), sorted by the moment they count as given up."""
ERASURES = "madv:erasures"
"""Jobs nobody wants any more that a worker may still hold, sorted by the next look at them."""
WEBHOOKS_DUE = "madv:webhooks:due"
"""Jobs and batches whose end is to be told, sorted by when."""
AUDIT = "madv:audit"
"""Stream of what was done and is not sealed yet."""
PACE = "madv:pace"
"""Seconds a job takes a worker, a moving average."""


def active_key(key_id: str) -> str:
    """Set of the jobs of an API key that have not ended."""
    return f"madv:active:{key_id}"


def jobs_key(tenant: str, tag: str | None = None) -> str:
    """A tenant's jobs, sorted by creation."""
    return f"madv:jobs:{tenant}" if tag is None else f"madv:jobs:{tenant}:tag:{tag}"


def batch_key(batch_id: str) -> str:
    """Hash of a batch: record, counters."""
    return f"madv:batch:{batch_id}"


def claim_key(scope: str, name: str) -> str:
    """Whose job an idempotency key stands for, within a scope."""
    return f"madv:claim:{scope}:{name}"


def twin_key(record: JobRecord, model_digest: str | None) -> str:
    """Redis key that leads from a clip, its treatment and a model to a job with the result."""
    options = record.options
    treatment = f"{options.recognizer}:{options.mode}:{options.faces}:{options.fps or ''}"
    treatment += ":explain" if options.explain else ""
    return f"madv:twin:{record.tenant}:{record.clip.sha256}:{treatment}:{model_digest}"


def indexes(record: JobRecord) -> list[str]:
    """Redis keys of the lists a job stands in: its tenant's, and one for each of its tags."""
    tenant, tags = record.tenant, sorted(set(record.options.tags))
    return [jobs_key(tenant), *(jobs_key(tenant, tag) for tag in tags)]
