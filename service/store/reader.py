"""Reads jobs: all that are asked for while one call is under way, in the next."""

import asyncio
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from service.queue import FIELDS, ClipQueue, job_hash, parse_fields
from service.state import JobRecord, Settlement, Standing
from service.store import names
from worker.contract import job_key

Snapshot = tuple[bytes | int | None, ...]
"""What Redis holds about a job, see `_READ`. Equal snapshots mean that nothing has changed."""

TOMBSTONES = "madv:gone:"
"""Prefix of the keys that remember whose a deleted job was."""

_MOST_AT_ONCE = 256

_READ = """
-- ARGV: prefixes of job, tombstone and RQ's hash; queue, workers, pace; three fields; job ids.
-- Answers for each job: {tenant or false} where it is gone, {record, settlement} where it has
-- ended, else {record, false, fields ..., place, pace, workers}.
local answers = {}
for i = 10, #ARGV do
  local id = ARGV[i]
  local job = redis.call('HMGET', ARGV[1] .. id, 'record', 'settled')
  if not job[1] then
    answers[#answers + 1] = {redis.call('GET', ARGV[2] .. id)}
  elseif job[2] then
    answers[#answers + 1] = job
  else
    local rq = redis.call('HMGET', ARGV[3] .. id, ARGV[7], ARGV[8], ARGV[9])
    local place = rq[1] == 'queued' and redis.call('LPOS', ARGV[4], id)
    answers[#answers + 1] = {job[1], false, rq[1], rq[2], rq[3], place,
                             redis.call('GET', ARGV[6]), redis.call('SCARD', ARGV[5])}
  end
end
return answers
"""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A job that is gone; whose it was."""

    tenant: str


class JobReader:
    """Snapshots of jobs. Thousands of polls a second would else be as many round trips."""

    def __init__(self, redis: Redis, queue: ClipQueue) -> None:
        self._script = redis.register_script(_READ)
        self._where = (
            *(job_key(""), TOMBSTONES, job_hash("")),
            *(queue.list_key, queue.workers_key, names.PACE),
            *FIELDS,
        )
        self._waiting: list[tuple[str, asyncio.Future[Snapshot]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, job_id: str) -> Snapshot:
        """What Redis holds about a job now. Raises one of `OUTAGES`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Snapshot] = loop.create_future()
        self._waiting.append((job_id, future))
        if self._reading is None:
            self._reading = loop.create_task(self._read_waiting())
        return await future

    async def _read_waiting(self) -> None:
        """One call at a time: who comes meanwhile shares the next one."""
        while waiting := self._waiting[:_MOST_AT_ONCE]:
            del self._waiting[:_MOST_AT_ONCE]
            await self._read_some(waiting)
        self._reading = None

    async def _read_some(self, waiting: list[tuple[str, asyncio.Future[Snapshot]]]) -> None:
        job_ids = list(dict.fromkeys(job_id for job_id, _ in waiting))
        try:
            found = await self._script(args=[*self._where, *job_ids])
        except Exception as error:  # noqa: BLE001  # everybody who waits raises it
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        snapshots = dict(zip(job_ids, map(tuple, found), strict=True))
        for job_id, future in waiting:
            if not future.done():
                future.set_result(snapshots[job_id])


def standing_of(snapshot: Snapshot) -> Standing | Deleted | None:
    """What a snapshot means: a job, what is left of it, or None where the id is unknown."""
    values = cast("tuple[bytes | None, ...]", snapshot)
    record, *rest = values
    if not rest:
        return None if record is None else Deleted(record.decode())
    known = JobRecord.model_validate_json(record or b"")
    if rest[0]:
        return Standing(known, Settlement.model_validate_json(rest[0]))
    place, pace, workers = rest[4:7]
    return Standing(
        known,
        None,
        parse_fields(list(rest[1:4])),
        position=None if place is None else int(place) + 1,
        pace_s=None if pace is None else float(pace),
        workers=int(workers or 0),
    )
