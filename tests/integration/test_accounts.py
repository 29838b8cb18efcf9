"""API keys and their rates on a real Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.embedded.processes import Child
from service.embedded.redis import find_redis, redis_command, send
from service.embedded.wiring import Wiring
from service.errors import GatewayCode, ProblemError
from service.principal import LOCAL, Principal, Scope
from service.store.accounts import Accounts, KeyRequest, open_accounts
from service.store.connection import connect_async
from service.store.rates import Rates

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture
async def redis(wiring: Wiring, redis_server: Child) -> AsyncIterator[Redis]:
    assert redis_server.returncode is None
    async with aclosing(connect_async(wiring.redis_url, 5.0)) as connected:
        yield connected


@pytest.fixture
def accounts(redis: Redis) -> Accounts:
    return Accounts(redis)


async def test_a_key_speaks_for_its_tenant(accounts: Accounts) -> None:
    scopes = frozenset({Scope.READ})
    wanted = KeyRequest(tenant="lab", scopes=scopes, concurrency=4, rate="10 per minute")
    token, key = await accounts.create(wanted)
    assert await accounts.principal_of(token) == Principal(key.id, "lab", scopes, 4, "10/minute")
    assert token.startswith(f"{key.prefix}_")
    assert len(token) == len("madv_") + 8 + 1 + 43


async def test_only_the_whole_key_opens(accounts: Accounts) -> None:
    token, key = await accounts.create(KeyRequest(tenant="lab"))
    other, _ = await accounts.create(KeyRequest(tenant="lab"))
    forged = f"{key.prefix}_{other[-43:]}"
    for wrong in (None, "", key.prefix, token[:-1], f"{token}x", f"{token}\n", forged, "madv_"):
        assert await accounts.principal_of(wrong) is None
    assert await accounts.principal_of(token) is not None


async def test_a_key_ends_at_its_time(accounts: Accounts) -> None:
    ends_at = datetime.now(UTC) + timedelta(seconds=0.5)
    token, _ = await accounts.create(KeyRequest(tenant="lab", expires_at=ends_at))
    assert await accounts.principal_of(token) is not None
    async with asyncio.timeout(5.0):
        while await accounts.principal_of(token) is not None:
            pass
    assert datetime.now(UTC) >= ends_at


async def test_revocation_reaches_the_other_gateways(accounts: Accounts, redis: Redis) -> None:
    other = Accounts(redis)
    token, key = await accounts.create(KeyRequest(tenant="lab"))
    assert await other.principal_of(token) is not None
    assert await accounts.revoke(key.id)
    assert await accounts.principal_of(token) is None
    async with asyncio.timeout(5.0):
        while await other.principal_of(token) is not None:
            pass
    first = (await accounts.all())[0].revoked_at
    assert first is not None
    assert await accounts.revoke(key.id)
    assert (await accounts.all())[0].revoked_at == first
    assert not await accounts.revoke("nosuchid")


async def test_use_is_noted_coarsely(accounts: Accounts, redis: Redis) -> None:
    token, key = await accounts.create(KeyRequest(tenant="lab"))
    forged = f"{key.prefix}_{'x' * 43}"
    await accounts.principal_of(forged)
    assert (await accounts.all())[0].last_used_at is None
    await accounts.principal_of(token)
    used_at = (await accounts.all())[0].last_used_at
    assert used_at is not None
    before = int((await redis.info("stats"))["total_commands_processed"])
    for _ in range(50):
        await accounts.principal_of(token)
    after = int((await redis.info("stats"))["total_commands_processed"])
    assert (await accounts.all())[0].last_used_at == used_at
    assert after - before < 10


async def test_keys_are_listed_in_order_and_lie_nowhere_in_clear(
    accounts: Accounts, wiring: Wiring, redis_server: Child
) -> None:
    made = [await accounts.create(KeyRequest(tenant=f"lab-{n}")) for n in range(3)]
    for token, _ in made:
        await accounts.principal_of(token)
    assert [key.tenant for key in await accounts.all()] == ["lab-0", "lab-1", "lab-2"]
    redis_server.stop()
    for token, key in made:
        assert lies_in(wiring.data_dir, key.id)
        assert not lies_in(wiring.data_dir, token)
        assert not lies_in(wiring.data_dir, token.removeprefix(f"{key.prefix}_"))


async def test_keys_outlive_a_restart_with_another_password(
    accounts: Accounts, wiring: Wiring, redis_server: Child, eventually: Callable[..., None]
) -> None:
    token, key = await accounts.create(KeyRequest(tenant="lab"))
    redis_server.stop()
    later = Wiring.plan(
        wiring.data_dir, wiring.model_repo, gateway_port=None, with_triton=False, settings={}
    )
    restarted = Child(redis_command(find_redis(), later))
    try:
        eventually(lambda: send(later, "PING") == b"+PONG")
        async with open_accounts(later.redis_url, timeout_s=5.0) as opened:
            found = await opened.principal_of(token)
    finally:
        restarted.stop()
    assert found == key.principal()


def lies_in(folder: Path, text: str) -> bool:
    """In any file, Redis's log of all writes among them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return any(text.encode() in path.read_bytes() for path in files)


async def test_a_rate_permits_its_number_and_says_when_to_return(redis: Redis) -> None:
    rates = Rates(redis)
    lab = Principal("key00001", "lab", frozenset(Scope), rate="2/3 second")
    await rates.spend(lab)
    first_at = time.monotonic()
    await rates.spend(lab)
    with pytest.raises(ProblemError) as refused:
        await rates.spend(lab)
    wait_s = int(refused.value.headers["Retry-After"])
    assert wait_s == 3
    assert refused.value.code is GatewayCode.RATE_LIMITED
    assert refused.value.headers["RateLimit-Policy"] == '"submissions";q=2;w=3'
    assert refused.value.headers["RateLimit"] == '"submissions";r=0;t=3'
    async with asyncio.timeout(10.0):
        while await is_refused(rates, lab):
            pass
    assert wait_s - 1 < time.monotonic() - first_at < wait_s + 0.5


async def is_refused(rates: Rates, principal: Principal) -> bool:
    try:
        await rates.spend(principal)
    except ProblemError:
        return True
    return False


async def test_parallel_submissions_share_one_rate(redis: Redis) -> None:
    gateways = [Rates(redis), Rates(redis)]
    lab = Principal("key00001", "lab", frozenset(Scope), rate="10/minute")
    spent = await asyncio.gather(
        *(gateways[n % 2].spend(lab) for n in range(50)), return_exceptions=True
    )
    assert spent.count(None) == 10
    assert sum(isinstance(outcome, ProblemError) for outcome in spent) == 40


async def test_each_key_has_its_own_rate_and_the_local_one_has_none(
    redis: Redis,
) -> None:
    rates = Rates(redis)
    for key_id in ("key00001", "key00002"):
        await rates.spend(Principal(key_id, "lab", frozenset(Scope), rate="1/minute"))
    for _ in range(5):
        await rates.spend(LOCAL)
