"""From an upload to a queued job: all of it or nothing."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import UploadFile
from fastapi.concurrency import run_in_threadpool

from service.blobs import Blobs
from service.jobs import JobRecord, JobStore, new_job_id, utc_now
from service.schemas import RecognizeOptions
from service.settings import GatewaySettings
from service.upload import Receipt
from worker.contract import clip_key


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores clips and queues their jobs."""

    settings: GatewaySettings
    jobs: JobStore
    blobs: Blobs

    async def accept(self, file: UploadFile, options: RecognizeOptions) -> str:
        """Store an upload, queue its job, return the job's id."""
        job_id = new_job_id()
        created_at = utc_now()
        ttl_s = options.ttl_s or self.settings.result_ttl_s
        expires_at = created_at + timedelta(seconds=ttl_s)
        await run_in_threadpool(self.jobs.reserve, job_id, expires_at)
        try:
            receipt = Receipt(self.settings.max_upload_bytes)
            await self.blobs.put(clip_key(job_id), receipt.pass_on(file))
            record = JobRecord(
                id=job_id,
                created_at=created_at,
                expires_at=expires_at,
                clip=receipt.signed(),
                options=options.model_copy(update={"ttl_s": ttl_s}),
            )
            await run_in_threadpool(self.jobs.submit, record)
        except BaseException:
            # Also when the request is cancelled. Where Redis is gone too, the reservation stays
            # and the sweeper erases the clip once it expires.
            await self.blobs.delete(clip_key(job_id))
            await run_in_threadpool(self.jobs.forget, job_id)
            raise
        return job_id
