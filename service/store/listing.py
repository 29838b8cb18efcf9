"""A tenant's jobs, newest first, page by page."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from service.schemas import Job, JobPage
from service.state import Standing, describe
from service.store import names
from service.store.jobs import JobStore
from worker.contract import JobState

_CHUNK = 100
_MOST_LOOKED_AT = 1000
"""Jobs one page looks at: rare matches come on several, perhaps empty, pages."""


class BadCursor(ValueError):
    """The cursor is none of ours."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs are wanted."""

    status: JobState | None = None
    tag: str | None = None
    created_after: datetime | None = None


class Listing:
    """Pages over the index of jobs. A job submitted meanwhile does not shift later pages."""

    def __init__(self, redis: Redis, jobs: JobStore) -> None:
        self._redis = redis
        self._jobs = jobs

    async def page(
        self, tenant: str, wanted: Filter, limit: int, cursor: str | None, now: datetime
    ) -> JobPage:
        """At most `limit` jobs after the cursor's. Raises BadCursor."""
        start = None if cursor is None else _parse(cursor)
        found: list[Job] = []
        last: str | None = None
        async for place, job in self._jobs_from(tenant, wanted, start, now):
            last = place
            if job is not None:
                found.append(job)
            if len(found) == limit:
                break
        else:
            last = None
        return JobPage(data=found, next_cursor=None if last is None else _cursor(last))

    async def _jobs_from(
        self, tenant: str, wanted: Filter, start: tuple[float, str] | None, now: datetime
    ) -> AsyncIterator[tuple[str, Job | None]]:
        """Place and job, None for one that is not wanted."""
        key = names.jobs_key(tenant, wanted.tag)
        oldest = "-inf" if wanted.created_after is None else f"({wanted.created_after.timestamp()}"
        offset, looked_at = 0, 0
        newest = "+inf" if start is None else repr(start[0])
        while looked_at < _MOST_LOOKED_AT:
            chunk = await self._redis.zrange(
                key,
                newest,
                oldest,
                desc=True,
                byscore=True,
                offset=offset,
                num=_CHUNK,
                withscores=True,
            )
            for member, score in cast("list[tuple[bytes, float]]", chunk):
                place = (score, member.decode())
                if start is not None and place >= start:
                    continue
                looked_at += 1
                yield f"{score!r} {place[1]}", await self._look(key, place[1], wanted, now)
            if len(chunk) < _CHUNK:
                return
            offset += _CHUNK

    async def _look(self, key: str, job_id: str, wanted: Filter, now: datetime) -> Job | None:
        found = await self._jobs.find(job_id, now)
        if not isinstance(found, Standing):
            await self._redis.zrem(key, job_id)
            return None
        job = describe(found, now)
        return job if wanted.status in {None, job.status} else None


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _parse(cursor: str) -> tuple[float, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        score, _, job_id = base64.urlsafe_b64decode(padded).decode("ascii").partition(" ")
        return float(score), job_id
    except ValueError as exc:
        raise BadCursor from exc
