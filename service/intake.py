"""From an upload to a job: all of it or nothing."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from opentelemetry.trace import SpanKind

from service.blobs import Blobs
from service.errors import GatewayCode, ProblemError
from service.principal import Principal
from service.schemas import ClipReceipt, RecognizeOptions
from service.settings import GatewaySettings
from service.state import JobRecord, Standing, shared
from service.store.capabilities import CapabilityBoard
from service.store.jobs import JobStore, utc_now
from service.store.names import claim_key
from service.store.submission import (
    BatchGone,
    ClaimConflict,
    Earlier,
    GivenUp,
    Submissions,
    new_job_id,
)
from service.telemetry.meters import Meters
from service.upload import ClipStream
from worker.contract import AnalysisReport, clip_key, result_key
from worker.telemetry.logs import JOB_ID
from worker.telemetry.tracing import note, span, traceparent


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of an upload. `standing` is known where it made a job that waits.

    `is_replay`: an earlier upload with the same key made the job.
    """

    job_id: str
    is_replay: bool
    standing: Standing | None = None


@dataclass(slots=True)
class Draft:
    """An upload whose clip is on its way into the store, and not yet a job."""

    job_id: str
    began_at: datetime
    caller: Principal
    receipt: ClipReceipt | None = None
    is_submitted: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """Stores clips and queues their jobs."""

    settings: GatewaySettings
    submissions: Submissions
    jobs: JobStore
    blobs: Blobs
    board: CapabilityBoard
    meters: Meters

    @asynccontextmanager
    async def draft(self, caller: Principal) -> AsyncIterator[Draft]:
        """A place for an upload; all of it is erased again unless it becomes a job.

        Raises ProblemError where a quota is used up.
        """
        draft = Draft(new_job_id(), utc_now(), caller)
        JOB_ID.set(draft.job_id)
        await self._reserve(draft)
        try:
            yield draft
        finally:
            # Also when the request is cancelled, or when Redis has gone before it could say whether
            # the job is there. Where it stays away, the janitor erases the clip later.
            if not draft.is_submitted and await self.submissions.release(
                draft.job_id, caller.key_id
            ):
                await self.blobs.delete(clip_key(draft.job_id))
                await self.blobs.delete(result_key(draft.job_id))

    async def store(self, draft: Draft, clip: ClipStream) -> None:
        """Take in the clip."""
        with span("upload", job_id=draft.job_id):
            async with aclosing(clip.blocks()) as blocks:
                await self.blobs.put(clip_key(draft.job_id), blocks)
            draft.receipt = clip.receipt()
            note(bytes=draft.receipt.bytes)
        self.meters.take_upload(draft.receipt.bytes)

    async def submit(
        self, draft: Draft, options: RecognizeOptions, idempotency_key: str | None
    ) -> Admission:
        """Queue the job of a stored clip, or find the job it is a repetition of.

        Raises ProblemError where the idempotency key is another payload's, or the batch is gone.
        """
        with span("submit", kind=SpanKind.PRODUCER, job_id=draft.job_id):
            return await self._submitted(draft, options, idempotency_key)

    async def _submitted(
        self, draft: Draft, options: RecognizeOptions, idempotency_key: str | None
    ) -> Admission:
        if draft.receipt is None:
            raise ValueError("the clip of this draft has not been stored")
        claims = _claims(options, draft.caller, idempotency_key, draft.receipt)
        record = self._record(draft, draft.receipt, options, list(claims))
        try:
            found = await self._submit(record, claims)
        except ClaimConflict as exc:
            raise ProblemError(
                GatewayCode.IDEMPOTENCY_KEY_REUSED,
                "The same key came before with another clip or other options.",
            ) from exc
        except BatchGone as exc:
            raise ProblemError(GatewayCode.BATCH_NOT_FOUND, "The batch was forgotten.") from exc
        except GivenUp as exc:
            raise ProblemError(
                GatewayCode.REQUEST_TIMEOUT, "The upload took too long to become a job."
            ) from exc
        if isinstance(found, Earlier):
            return Admission(found.job_id, is_replay=True)
        draft.is_submitted = True
        if found.record.deduplicated_from is None:
            return Admission(record.id, is_replay=False, standing=found)
        await self._settle_shared(found.record)
        return Admission(record.id, is_replay=False)

    async def _reserve(self, draft: Draft) -> None:
        caller = draft.caller
        match await self.submissions.reserve(draft.job_id, caller.key_id, caller.concurrency):
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
        self, draft: Draft, clip: ClipReceipt, options: RecognizeOptions, claims: list[str]
    ) -> JobRecord:
        deadline_s = options.deadline_s or self.settings.job_deadline_s
        ttl_s = options.ttl_s or self.settings.result_ttl_s
        effective = {"deadline_s": deadline_s, "ttl_s": ttl_s}
        return JobRecord(
            id=draft.job_id,
            tenant=draft.caller.tenant,
            key_id=draft.caller.key_id,
            created_at=draft.began_at,
            deadline_at=draft.began_at + timedelta(seconds=deadline_s),
            ttl_s=ttl_s,
            clip=clip,
            options=options.model_copy(update=effective),
            claims=claims,
            traceparent=traceparent(),
        )

    async def _submit(self, record: JobRecord, claims: dict[str, str]) -> Standing | Earlier:
        """The job, or the earlier one with the same claim. A twin's result is copied first."""
        digest = await self._twin_digest(record)
        found = await self.submissions.submit(record, claims, twin_digest=digest)
        if isinstance(found, Standing) or found.is_claimant:
            return found
        if not await self._share(record, found.job_id):
            return await self.submissions.submit(record, claims)
        sharing = record.model_copy(update={"deduplicated_from": found.job_id})
        return await self.submissions.submit(sharing, claims, is_queued=False)

    async def _settle_shared(self, record: JobRecord) -> None:
        if not record.options.store_input:
            # Before it ends: whoever ends it in this gateway's stead does not look for the clip.
            await self.blobs.delete(clip_key(record.id))
        digest = await self._twin_digest(record)
        await self.jobs.settle(record, shared(record, digest, utc_now()))

    async def _twin_digest(self, record: JobRecord) -> str | None:
        """Digest of the model that would analyse the clip; None where no result may be shared."""
        if not record.options.deduplicate:
            return None
        capabilities = await self.board.read()
        models = capabilities.models if capabilities else []
        return next((m.digest for m in models if m.name == record.options.recognizer), None)

    async def _share(self, record: JobRecord, source: str) -> bool:
        """Copy an earlier job's result as this job's own; False where it is no longer kept."""
        if not await self.jobs.has_result(source, utc_now()):
            return False
        try:
            found = await self.blobs.read(result_key(source))
        except FileNotFoundError:
            return False  # it expired or was deleted just now
        report = AnalysisReport.model_validate_json(found)
        copy = report.model_copy(update={"job_id": record.id})
        await self.blobs.write(result_key(record.id), copy.model_dump_json(by_alias=True).encode())
        return True


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
