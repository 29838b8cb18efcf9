"""Acts in Redis until they are sealed, and the head of what is."""

from datetime import UTC, datetime
from typing import cast

from redis.asyncio import Redis
from redis.typing import EncodableT

from service.audit.chain import Act, Action, Head
from service.principal import Principal
from service.store.names import AUDIT
from service.store.text import text
from service.store.together import Scripts

_HEAD = "madv:audit:head"
_NOTE = "redis.call('XADD', KEYS[1], '*', unpack(ARGV))"
_COMMIT = """
-- KEYS: head, acts. ARGV: seq it was, seq it is, hash, ids of the acts now sealed ...
if (redis.call('HGET', KEYS[1], 'seq') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'hash', ARGV[3])
redis.call('XDEL', KEYS[2], unpack(ARGV, 4))
return 1
"""


def act_fields(
    action: Action, tenant: str, key_id: str, subject: str
) -> dict[EncodableT, EncodableT]:
    """An act as an entry of the stream, for whoever adds it within a step of its own."""
    return {"action": action, "tenant": tenant, "key_id": key_id, "subject": subject}


class AuditTrail:
    """The acts that were done lately."""

    def __init__(self, redis: Redis, scripts: Scripts) -> None:
        self._redis = redis
        self._note = scripts.register(_NOTE)
        self._commit = scripts.register(_COMMIT)

    async def note(self, action: Action, actor: Principal | None, subject: str) -> None:
        """Write an act down, before it is done. The service's own have no actor."""
        tenant, key_id = ("", "") if actor is None else (actor.tenant, actor.key_id)
        fields = act_fields(action, tenant, key_id, subject)
        await self._note(keys=[AUDIT], args=[word for pair in fields.items() for word in pair])

    async def head(self) -> Head:
        """The last line that was sealed."""
        found = await self._redis.hgetall(_HEAD)
        return Head.model_validate({text(name): text(value) for name, value in found.items()})

    async def waiting(self, most: int) -> list[Act]:
        """Acts to be sealed, oldest first."""
        found = cast(
            "list[tuple[bytes, dict[bytes, bytes]]]", await self._redis.xrange(AUDIT, count=most)
        )
        return [_act(text(name), fields) for name, fields in found]

    async def pending(self) -> int:
        """How many there are."""
        return int(await self._redis.xlen(AUDIT))

    async def commit(self, before: Head, after: Head, act_ids: list[str]) -> bool:
        """Note that acts were sealed; False where somebody else has done so meanwhile."""
        done = await self._commit(
            keys=[_HEAD, AUDIT], args=[before.seq, after.seq, after.hash, *act_ids]
        )
        return done == 1


def _act(name: str, fields: dict[bytes, bytes]) -> Act:
    milliseconds = int(name.partition("-")[0])
    told = {text(field): text(value) for field, value in fields.items()}
    return Act.model_validate(
        {"id": name, "at": datetime.fromtimestamp(milliseconds / 1000, UTC), **told}
    )
