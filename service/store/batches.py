"""Batches in Redis: a record with counters, its items in order, the ended ones as a stream.

The script that settles a job counts it here; `service.store.jobs` notes an upload.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, HttpUrl
from redis.asyncio import Redis
from redis.typing import EncodableT

from service.queue import ClipQueue
from service.schemas import (
    Batch,
    BatchCounts,
    BatchItem,
    BatchLinks,
    BatchStatus,
    JobOptions,
)
from service.store import names
from service.store.text import text
from worker.contract import CHANGES_CHANNEL, JobState

_CLOSE = """
-- KEYS: batch, its jobs under way, due webhooks. ARGV: batch id, now, channel.
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
if redis.call('HSETNX', KEYS[1], 'finished_at', ARGV[2]) == 0 then return {} end
redis.call('HSET', KEYS[1], 'canceled', '1')
if redis.call('HGET', KEYS[1], 'hook') == '1' then
  redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
end
redis.call('PUBLISH', ARGV[3], ARGV[1])
return redis.call('SMEMBERS', KEYS[2])
"""

_COUNTED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)


class BatchRecord(BaseModel):
    """What never changes about a batch."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    created_at: datetime
    expires_at: datetime
    total: int
    options: JobOptions
    client_ref: str | None
    tags: list[str]
    webhook_url: HttpUrl | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A job of a batch that has ended. `cursor` sorts in the order of their ends."""

    cursor: str
    job_id: str
    client_ref: str
    state: JobState


@dataclass(frozen=True, slots=True)
class BatchStanding:
    """All that is known about a batch at one moment."""

    record: BatchRecord
    counts: BatchCounts
    finished_at: datetime | None
    is_canceled: bool


class BatchStore:
    """Batches by id."""

    def __init__(self, redis: Redis, queue: ClipQueue) -> None:
        self._redis = redis
        self._queue = queue
        self._close = redis.register_script(_CLOSE)

    async def create(self, record: BatchRecord, client_refs: list[str]) -> None:
        """Remember a batch and its manifest."""
        key = names.batch_key(record.id)
        forgotten_at = int(record.expires_at.timestamp())
        fields: dict[EncodableT, EncodableT] = {
            "record": record.model_dump_json(),
            "awaiting": record.total,
            "hook": int(record.webhook_url is not None),
        }
        async with self._redis.pipeline() as pipe:
            pipe.hset(key, mapping=fields)
            pipe.hset(f"{key}:items", mapping=dict.fromkeys(client_refs, ""))
            pipe.rpush(f"{key}:order", *client_refs)
            for name in (key, f"{key}:items", f"{key}:order"):
                pipe.expireat(name, forgotten_at)
            await pipe.execute()

    async def find(self, batch_id: str) -> BatchStanding | None:
        """A batch, or None where it is unknown or was forgotten."""
        key = names.batch_key(batch_id)
        async with self._redis.pipeline() as pipe:
            pipe.hgetall(key)
            pipe.smembers(f"{key}:open")
            fields, opened = await pipe.execute()
        if not fields:
            return None
        under_way = {job_id.decode() for job_id in opened}
        running = await run_in_threadpool(self._queue.running) if under_way else set()
        record = BatchRecord.model_validate_json(fields[b"record"])
        ended = {state: int(fields.get(state.encode(), 0)) for state in _COUNTED}
        finished_at = fields.get(b"finished_at")
        return BatchStanding(
            record=record,
            counts=BatchCounts(
                total=record.total,
                awaiting=int(fields[b"awaiting"]),
                queued=len(under_way - running),
                processing=len(under_way & running),
                **ended,
            ),
            finished_at=datetime.fromtimestamp(float(finished_at), UTC) if finished_at else None,
            is_canceled=b"canceled" in fields,
        )

    async def has_item(self, batch_id: str, client_ref: str) -> bool:
        """Whether the manifest names an item."""
        return bool(await self._redis.hexists(f"{names.batch_key(batch_id)}:items", client_ref))

    async def items(self, batch_id: str, start: int, count: int) -> list[BatchItem]:
        """Items from place `start` of the manifest on."""
        key = names.batch_key(batch_id)
        refs = await self._redis.lrange(f"{key}:order", start, start + count - 1)
        if not refs:
            return []
        jobs = await self._redis.hmget(f"{key}:items", refs)
        return [
            BatchItem(client_ref=text(ref), job_id=text(job_id) if job_id else None)
            for ref, job_id in zip(refs, jobs, strict=True)
        ]

    async def finished_after(self, batch_id: str, cursor: str, count: int) -> list[Finished]:
        """Jobs that ended after the one of the cursor (`0` for the first), in that order."""
        key = f"{names.batch_key(batch_id)}:finished"
        found = await self._redis.xrange(key, f"({cursor}", "+", count=count)
        return [_finished(entry, fields or {}) for entry, fields in found or ()]

    async def close(self, batch_id: str, now: datetime) -> list[str]:
        """Take no more clips, and tell so; the ids of the jobs that are still under way.

        A batch that has ended stays as it is.
        """
        key = names.batch_key(batch_id)
        opened = await self._close(
            keys=[key, f"{key}:open", names.WEBHOOKS_DUE],
            args=[batch_id, now.timestamp(), CHANGES_CHANNEL],
        )
        return [job_id.decode() for job_id in opened]


def new_batch_id() -> str:
    """An id nobody can guess."""
    return f"batch_{secrets.token_hex(16)}"


def describe_batch(standing: BatchStanding) -> Batch:
    """What a caller sees of a batch."""
    record = standing.record
    base = f"/v1/batches/{record.id}"
    return Batch(
        id=record.id,
        status=_status(standing),
        created_at=record.created_at,
        finished_at=standing.finished_at,
        expires_at=record.expires_at,
        counts=standing.counts,
        options=record.options,
        client_ref=record.client_ref,
        tags=record.tags,
        links=BatchLinks(
            self=base, items=f"{base}/items", results=f"{base}/results", cancel=f"{base}/cancel"
        ),
    )


def _finished(entry: object, fields: Mapping[bytes | str, bytes | str]) -> Finished:
    return Finished(
        cursor=text(entry),
        job_id=text(fields[b"job_id"]),
        client_ref=text(fields[b"ref"]),
        state=JobState(text(fields[b"state"])),
    )


def _status(standing: BatchStanding) -> BatchStatus:
    if standing.is_canceled:
        return BatchStatus.CANCELED
    return BatchStatus.OPEN if standing.finished_at is None else BatchStatus.COMPLETE
