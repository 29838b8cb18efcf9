"""Webhooks in Redis: what is due, who is delivering it, logs, secrets and disabled targets.

A subject (job or batch) waits in `WEBHOOKS_DUE` until a sender takes it over into the leases.
A lease that lapses, because its sender died, is due again. Moments are those of Redis' clock.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from redis.asyncio import Redis

from service.store.names import WEBHOOKS_DUE
from service.webhooks.notices import DeliveryLog

_DAY_S = 24 * 3600
_LEASES = "madv:webhooks:leased"
_LOG_KEPT_S = 14 * _DAY_S
_DISABLED_S = 30 * _DAY_S
_MOST_SECRETS = 4

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
"""

_CLAIM = (
    _NOW
    + """
local due, leases = KEYS[1], KEYS[2]
for _, lapsed in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', leases, lapsed)
  redis.call('ZADD', due, now, lapsed)
end
local subject = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 1)[1]
if not subject then return false end
redis.call('ZREM', due, subject)
redis.call('ZADD', leases, now + tonumber(ARGV[1]), subject)
return {subject, redis.call('ZSCORE', leases, subject)}
"""
)

_FINISH = (
    _NOW
    + """
local due, leases, log = KEYS[1], KEYS[2], KEYS[3]
local subject, lease, written, kept_s, pause_s, forgotten_at = unpack(ARGV)
if redis.call('ZSCORE', leases, subject) ~= lease then return 0 end
redis.call('ZREM', leases, subject)
local kept_ms = math.floor(1000 * math.min(tonumber(kept_s), tonumber(forgotten_at) - now))
if kept_ms <= 0 then
  redis.call('DEL', log)
  return 0
end
redis.call('SET', log, written, 'PX', kept_ms)
if pause_s ~= '' then redis.call('ZADD', due, now + tonumber(pause_s), subject) end
return 1
"""
)

_EXPEDITE = (
    _NOW
    + """
local due, leases, subject = KEYS[1], KEYS[2], ARGV[1]
if not redis.call('ZSCORE', leases, subject) then redis.call('ZADD', due, now, subject) end
"""
)

_SECRETS = (
    _NOW
    + """
local key, fresh, rotates, overlap_s, most = KEYS[1], unpack(ARGV)
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local current = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if not current or rotates == '1' then
  if current then redis.call('ZADD', key, now + tonumber(overlap_s), current) end
  redis.call('ZADD', key, '+inf', fresh)
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(most))
end
return redis.call('ZREVRANGE', key, 0, -1)
"""
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A subject taken over for one attempt; `lease` tells this claim from any later one."""

    subject_id: str
    lease: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a delivery is. `due_at` is None while an attempt is under way, and at the end."""

    log: DeliveryLog
    is_open: bool
    due_at: datetime | None


class WebhookStore:
    """All keys of webhooks. Several gateways share them."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._claim = connection.register_script(_CLAIM)
        self._finish = connection.register_script(_FINISH)
        self._expedite = connection.register_script(_EXPEDITE)
        self._secrets = connection.register_script(_SECRETS)

    async def claim(self, lease_s: float) -> Claim | None:
        """Take over the delivery that has been due longest, alone for `lease_s`."""
        claimed = cast(
            "list[bytes] | None",
            await self._claim(keys=[WEBHOOKS_DUE, _LEASES], args=[lease_s]),
        )
        return None if claimed is None else Claim(claimed[0].decode(), claimed[1])

    async def finish(
        self, claim: Claim, log: DeliveryLog, pause_s: float | None, forgotten_at: datetime
    ) -> bool:
        """Keep what came of a claim until its subject is forgotten, at most for 14 days.

        It is due again after `pause_s` unless None. False, and nothing is kept, where the subject
        was forgotten or the lease has lapsed.
        """
        kept = await self._finish(
            keys=[WEBHOOKS_DUE, _LEASES, _log_key(claim.subject_id)],
            args=[
                claim.subject_id,
                claim.lease,
                log.model_dump_json(),
                _LOG_KEPT_S,
                "" if pause_s is None else pause_s,
                forgotten_at.timestamp(),
            ],
        )
        return bool(kept)

    async def expedite(self, subject_id: str) -> None:
        """Make a delivery due now, unless an attempt is under way."""
        await self._expedite(keys=[WEBHOOKS_DUE, _LEASES], args=[subject_id])

    async def standing(self, subject_id: str) -> Standing | None:
        """How far a delivery is, or None where there is none."""
        async with self._connection.pipeline(transaction=True) as pipeline:
            pipeline.get(_log_key(subject_id))
            pipeline.zscore(WEBHOOKS_DUE, subject_id)
            pipeline.zscore(_LEASES, subject_id)
            written, due, leased = cast(
                "tuple[bytes | None, float | None, float | None]", await pipeline.execute()
            )
        if written is None and due is None and leased is None:
            return None
        return Standing(
            log=DeliveryLog.model_validate_json(written) if written else DeliveryLog(),
            is_open=due is not None or leased is not None,
            due_at=None if due is None else datetime.fromtimestamp(due, UTC),
        )

    async def forget(self, subject_id: str) -> None:
        """Erase a delivery and its log; an attempt under way leaves nothing either."""
        async with self._connection.pipeline(transaction=True) as pipeline:
            pipeline.zrem(WEBHOOKS_DUE, subject_id)
            pipeline.zrem(_LEASES, subject_id)
            pipeline.delete(_log_key(subject_id))
            await pipeline.execute()

    async def secrets(self, tenant: str, fresh: str) -> list[str]:
        """A tenant's valid secrets, newest first; `fresh` becomes its first where it has none."""
        return await self._valid_secrets(tenant, fresh, overlap_s=None)

    async def rotate(self, tenant: str, fresh: str, overlap_s: float) -> list[str]:
        """The same after `fresh` became the newest; the one before is valid for `overlap_s`."""
        return await self._valid_secrets(tenant, fresh, overlap_s=overlap_s)

    async def disable(self, tenant: str, url: str) -> None:
        """Deliver nothing more from a tenant to a target."""
        await self._connection.set(_disabled_key(tenant, url), b"1", ex=_DISABLED_S)

    async def enable(self, tenant: str, url: str) -> None:
        """Deliver to a target again."""
        await self._connection.delete(_disabled_key(tenant, url))

    async def is_disabled(self, tenant: str, url: str) -> bool:
        """Whether a target wants nothing more from a tenant."""
        return await self._connection.exists(_disabled_key(tenant, url)) > 0

    async def _valid_secrets(self, tenant: str, fresh: str, overlap_s: float | None) -> list[str]:
        rotates = overlap_s is not None
        valid = cast(
            "list[bytes]",
            await self._secrets(
                keys=[f"madv:webhooks:secrets:{tenant}"],
                args=[fresh, int(rotates), overlap_s or 0, _MOST_SECRETS],
            ),
        )
        return [secret.decode() for secret in valid]


def _log_key(subject_id: str) -> str:
    return f"madv:webhooks:log:{subject_id}"


def _disabled_key(tenant: str, url: str) -> str:
    digest = hashlib.sha256(url.encode()).hexdigest()
    return f"madv:webhooks:disabled:{tenant}:{digest}"
