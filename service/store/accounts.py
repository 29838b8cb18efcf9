"""API keys: made, found, listed, revoked.

A key is `madv_<id>_<secret>`. The id finds it; the secret holds 256 random bits, so that SHA-256
without salt or stretching is as good as a password hash, and a thousand times as fast.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator
from redis.asyncio import Redis

from service.audit.chain import Action
from service.principal import Principal, Scope
from service.store.audit import act_fields
from service.store.connection import connect_async
from service.store.names import AUDIT
from service.store.rates import parse_rate, rate_text

DEFAULT_SCOPES = frozenset({Scope.SUBMIT, Scope.READ, Scope.DELETE})
REVOCATION_DELAY_S = 2.0
"""How long a gateway may still accept a key after its revocation."""

_INDEX = "madv:keys"
"""Set of the ids of all keys."""
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 8
_SECRET_BYTES = 32
_KEY = re.compile(rf"madv_([a-z0-9]{{{_ID_LENGTH}}})_[A-Za-z0-9_-]{{43}}", re.ASCII)
_CACHED_KEYS = 10_000
_USE_RESOLUTION_S = 60.0


class KeyRequest(BaseModel):
    """What a new key shall be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Owns the jobs.")
    name: str = Field(default="", max_length=100, description="What it is for, for people.")
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = DEFAULT_SCOPES
    concurrency: int | None = Field(default=None, ge=1, description="Jobs under way at once.")
    rate: str | None = Field(default=None, description="Submissions, such as `600/minute`.")
    expires_at: datetime | None = None

    @field_validator("rate")
    @classmethod
    def _understood(cls, value: str | None) -> str | None:
        return None if value is None else rate_text(parse_rate(value))

    @field_serializer("scopes")
    def _in_order(self, scopes: frozenset[Scope]) -> list[Scope]:
        return [scope for scope in Scope if scope in scopes]


class ApiKey(KeyRequest):
    """A key without its secret. Times are UTC; `last_used_at` is within a minute."""

    id: str
    prefix: str = Field(description="How the key begins, to recognise it by.")
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor past its end."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def principal(self) -> Principal:
        """Whom requests with this key speak for."""
        return Principal(self.id, self.tenant, self.scopes, self.concurrency, self.rate)


@dataclass(frozen=True, slots=True)
class _Stored:
    key: ApiKey
    principal: Principal
    digest: str

    @classmethod
    def of(cls, fields: Mapping[bytes | str, bytes | str]) -> Self:
        """From the hash of a key, whose JSON was written once and whose moments came later."""
        text = {_text(name): _text(value) for name, value in fields.items()}
        later: dict[str, datetime] = {
            name: datetime.fromisoformat(text[name])
            for name in ("revoked_at", "last_used_at")
            if name in text
        }
        key = ApiKey.model_validate_json(text["record"]).model_copy(update=later)
        return cls(key, key.principal(), text["digest"])


class Accounts:
    """The keys in Redis.

    A gateway remembers a key it has seen for `REVOCATION_DELAY_S`, so that polling does not ask
    Redis each time; one just made works at once, as unknown keys are not remembered.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen: TTLCache[str, Principal] = TTLCache(_CACHED_KEYS, REVOCATION_DELAY_S)
        """Whose a key is by its digest: the keys themselves are not kept."""
        self._noted: TTLCache[str, bool] = TTLCache(_CACHED_KEYS, _USE_RESOLUTION_S)

    async def create(self, request: KeyRequest) -> tuple[str, ApiKey]:
        """A new key: the only time it is seen whole, and what is kept of it."""
        key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        prefix = f"madv_{key_id}"
        token = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        now = datetime.now(UTC)
        key = ApiKey(**dict(request), id=key_id, prefix=prefix, created_at=now)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(_name(key_id), "record", key.model_dump_json())
            pipeline.hset(_name(key_id), "digest", _digest(token))
            pipeline.sadd(_INDEX, key_id)
            pipeline.xadd(AUDIT, act_fields(Action.CREATE_KEY, key.tenant, "", key_id))
            await pipeline.execute()
        return token, key

    async def principal_of(self, token: str | None) -> Principal | None:
        """The holder of a key; None where it is missing, malformed, unknown, revoked or expired."""
        digest = _digest(token or "")
        if (seen := self._seen.get(digest)) is not None:
            return seen
        match = _KEY.fullmatch(token or "")
        stored = None if match is None else await self._find(match[1])
        if stored is None or not hmac.compare_digest(stored.digest, digest):
            return None
        if not stored.key.is_valid(datetime.now(UTC)):
            return None
        self._seen[digest] = stored.principal
        await self._note_use(stored.key.id)
        return stored.principal

    async def all(self) -> list[ApiKey]:
        """Every key there is or was, oldest first."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key_id in await self._redis.smembers(_INDEX):
                pipeline.hgetall(_name(_text(key_id)))
            found = [_Stored.of(fields).key for fields in await pipeline.execute()]
        return sorted(found, key=lambda key: key.created_at)

    async def revoke(self, key_id: str) -> bool:
        """End a key; False where there is none of this id. Revoking it again changes nothing."""
        if not await self._redis.sismember(_INDEX, key_id):
            return False
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(_name(key_id), "revoked_at", datetime.now(UTC).isoformat())
            pipeline.xadd(AUDIT, act_fields(Action.REVOKE_KEY, "", "", key_id))
            await pipeline.execute()
        return True

    async def _find(self, key_id: str) -> _Stored | None:
        fields = await self._redis.hgetall(_name(key_id))
        return _Stored.of(fields) if fields else None

    async def _note_use(self, key_id: str) -> None:
        """Write down that the key was used, unless this gateway did so within the minute."""
        if self._noted.get(key_id) is None:
            self._noted[key_id] = True
            await self._redis.hset(_name(key_id), "last_used_at", datetime.now(UTC).isoformat())


class BadAddress(ValueError):
    """No URL of a Redis; says why without repeating it, as it may hold a password."""


@asynccontextmanager
async def open_accounts(redis_url: str, timeout_s: float) -> AsyncIterator[Accounts]:
    """The keys in the Redis of a URL, over connections of their own. Raises BadAddress."""
    try:
        redis = connect_async(redis_url, timeout_s)
    except ValueError as exc:
        raise BadAddress("a Redis URL is expected: redis://[:password@]host[:port]/0") from exc
    async with aclosing(redis):
        yield Accounts(redis)


def in_days(days: int) -> datetime:
    """The moment so many days from now."""
    return datetime.now(UTC) + timedelta(days=days)


def _name(key_id: str) -> str:
    return f"madv:key:{key_id}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
