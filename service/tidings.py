"""What webhooks tell: how a job or a batch has ended."""

from dataclasses import dataclass
from datetime import timedelta

from service.state import Standing
from service.store.batches import BatchStore, describe_batch
from service.store.jobs import JobStore, utc_now
from service.webhooks.notices import Notice


@dataclass(frozen=True, slots=True)
class Tidings:
    """Makes the notice of a subject from what is stored about it."""

    jobs: JobStore
    batches: BatchStore
    tombstone_s: int
    """How long after its result a job is forgotten."""

    async def notice(self, subject_id: str) -> Notice | None:
        """The notice of a job or batch; None where it is gone or nobody wants to be told."""
        is_batch = subject_id.startswith("batch_")
        return await (self._of_batch(subject_id) if is_batch else self._of_job(subject_id))

    async def _of_job(self, job_id: str) -> Notice | None:
        found = await self.jobs.find(job_id, utc_now())
        if not isinstance(found, Standing) or found.settled is None:
            return None
        url = found.record.options.webhook_url
        if url is None:
            return None
        return Notice(
            job_id,
            found.record.tenant,
            found.settled.state,
            str(url),
            f"/v1/jobs/{job_id}",
            found.settled.finished_at,
            found.settled.expires_at + timedelta(seconds=self.tombstone_s),
        )

    async def _of_batch(self, batch_id: str) -> Notice | None:
        found = await self.batches.find(batch_id)
        if found is None or found.finished_at is None or found.record.webhook_url is None:
            return None
        return Notice(
            batch_id,
            found.record.tenant,
            describe_batch(found).status,
            str(found.record.webhook_url),
            f"/v1/batches/{batch_id}",
            found.finished_at,
            found.record.expires_at,
        )
