"""From an upload to a job: all of it or nothing."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import UploadFile

from service.blobs import Blobs
from service.errors import GatewayCode, ProblemError
from service.principal import Principal
from service.schemas import ClipReceipt, RecognizeOptions
from service.settings import GatewaySettings
from service.state import JobRecord, shared
from service.store.capabilities import CapabilityBoard
from service.store.jobs import ClaimConflict, JobStore, new_job_id, utc_now
from service.store.names import claim_key
from service.upload import Receipt
from worker.contract import AnalysisReport, clip_key, result_key


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of an upload. `is_replay`: an earlier one with the same key made the job."""

    job_id: str
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores clips and queues their jobs."""

    settings: GatewaySettings
    jobs: JobStore
    blobs: Blobs
    board: CapabilityBoard

    async def accept(
        self,
        file: UploadFile,
        options: RecognizeOptions,
        caller: Principal,
        idempotency_key: str | None = None,
    ) -> Admission:
        """Store an upload and queue its job, or find the job it is a repetition of.

        Raises ProblemError where a quota is used up or the idempotency key is another payload's.
        """
        job_id, now = new_job_id(), utc_now()
        await self._reserve(job_id, caller, now)
        owner = None
        try:
            receipt = Receipt(self.settings.max_upload_bytes)
            await self.blobs.put(clip_key(job_id), receipt.pass_on(file))
            claims = _claims(options, caller, idempotency_key, receipt.signed())
            record = self._record(job_id, receipt.signed(), options, caller, now).model_copy(
                update={"claims": list(claims)}
            )
            owner = await self._submit(record, claims)
        finally:
            if owner != job_id:
                # Also when the request is cancelled. Where Redis is gone too, the reservation
                # stays, and the janitor erases the clip later.
                await self.blobs.delete(clip_key(job_id))
                await self.blobs.delete(result_key(job_id))
                await self.jobs.release(job_id, caller.key_id)
        return Admission(owner, is_replay=owner != job_id)

    async def _reserve(self, job_id: str, caller: Principal, now: datetime) -> None:
        match await self.jobs.reserve(job_id, caller.key_id, caller.concurrency, now):
            case "jobs":
                raise ProblemError(
                    GatewayCode.TOO_MANY_JOBS,
                    f"This key may have {caller.concurrency} jobs under way at once.",
                    limit=caller.concurrency,
                    headers={"Retry-After": str(self.settings.retry_after_s)},
                )
            case "queue":
                raise ProblemError(
                    GatewayCode.QUEUE_FULL,
                    f"{self.settings.max_queued} jobs are waiting already.",
                    limit=self.settings.max_queued,
                    headers={"Retry-After": "10"},
                )

    def _record(
        self,
        job_id: str,
        clip: ClipReceipt,
        options: RecognizeOptions,
        caller: Principal,
        now: datetime,
    ) -> JobRecord:
        deadline_s = options.deadline_s or self.settings.job_deadline_s
        ttl_s = options.ttl_s or self.settings.result_ttl_s
        effective = {"deadline_s": deadline_s, "ttl_s": ttl_s}
        return JobRecord(
            id=job_id,
            tenant=caller.tenant,
            key_id=caller.key_id,
            created_at=now,
            deadline_at=now + timedelta(seconds=deadline_s),
            ttl_s=ttl_s,
            clip=clip,
            options=options.model_copy(update=effective),
        )

    async def _submit(self, record: JobRecord, claims: dict[str, str]) -> str:
        """The id of the job that stands for this upload: its own, or an earlier one's."""
        digest = await self._twin_digest(record)
        source = None if digest is None else await self._share(record, digest)
        if source is not None:
            record = record.model_copy(update={"deduplicated_from": source})
        try:
            owner = await self.jobs.submit(record, claims, is_queued=source is None)
        except ClaimConflict as exc:
            raise ProblemError(
                GatewayCode.IDEMPOTENCY_KEY_REUSED,
                "The same key came before with another clip or other options.",
            ) from exc
        if owner == record.id and source is not None:
            await self.jobs.settle(record, shared(record, digest, utc_now()))
            if not record.options.store_input:
                await self.blobs.delete(clip_key(record.id))
        return owner

    async def _twin_digest(self, record: JobRecord) -> str | None:
        """Digest of the model that would analyse the clip; None where no result may be shared."""
        if not record.options.deduplicate:
            return None
        capabilities = await self.board.read()
        models = capabilities.models if capabilities else []
        return next((m.digest for m in models if m.name == record.options.recognizer), None)

    async def _share(self, record: JobRecord, digest: str) -> str | None:
        """Copy an earlier result of the same clip as this job's own; the earlier job's id."""
        source = await self.jobs.twin(record, digest, utc_now())
        if source is None:
            return None
        try:
            found = await self.blobs.read(result_key(source))
        except FileNotFoundError:
            return None  # it expired or was deleted just now
        report = AnalysisReport.model_validate_json(found)
        copy = report.model_copy(update={"job_id": record.id})
        await self.blobs.write(result_key(record.id), copy.model_dump_json(by_alias=True).encode())
        return source


def _claims(
    options: RecognizeOptions, caller: Principal, key: str | None, clip: ClipReceipt
) -> dict[str, str]:
    """Idempotency claims and what they stand for: the caller's key, and the place in a batch."""
    payload = f"{clip.sha256} {options.model_dump_json()}"
    fingerprint = hashlib.sha256(payload.encode()).hexdigest()
    claims = {}
    if key is not None:
        hashed = hashlib.sha256(key.encode()).hexdigest()
        claims[claim_key(f"key:{caller.key_id}", hashed)] = fingerprint
    if options.batch_id is not None:
        claims[claim_key(f"batch:{options.batch_id}", options.client_ref or "")] = fingerprint
    return claims
