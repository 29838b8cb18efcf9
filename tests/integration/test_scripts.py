"""Lua scripts that share calls, on a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service.embedded.processes import Child
from service.embedded.wiring import Wiring
from service.store.connection import OUTAGES, connect_async
from service.store.together import Scripts

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
FAIL = "return redis.error_reply('ERR no such thing')"


@pytest.fixture
async def redis(wiring: Wiring, redis_server: Child) -> AsyncIterator[Redis]:
    assert redis_server.returncode is None
    async with aclosing(connect_async(wiring.redis_url, 5.0)) as connected:
        yield connected


async def test_all_who_ask_are_answered_in_few_calls(redis: Redis) -> None:
    count = Scripts(redis).register(COUNT)
    await count(["sum"], [0])
    before = (await redis.info("commandstats"))["cmdstat_incrby"]["calls"]
    connections = (await redis.info("clients"))["connected_clients"]
    answers = await asyncio.gather(*(count(["sum"], [1]) for _ in range(300)))
    assert sorted(answers) == list(range(1, 301))
    after = await redis.info()
    assert (await redis.info("commandstats"))["cmdstat_incrby"]["calls"] == before + 300
    assert after["connected_clients"] == connections


async def test_an_error_is_told_to_who_caused_it(redis: Redis) -> None:
    scripts = Scripts(redis)
    count, fail = scripts.register(COUNT), scripts.register(FAIL)
    for _ in range(2):  # at first neither script is known to Redis
        good, bad = await asyncio.gather(count(["sum"], [1]), fail([], []), return_exceptions=True)
        assert isinstance(good, int)
        assert isinstance(bad, ResponseError)


async def test_scripts_survive_being_forgotten(redis: Redis) -> None:
    count = Scripts(redis).register(COUNT)
    await count(["sum"], [1])
    await redis.script_flush()
    assert sorted(await asyncio.gather(*(count(["sum"], [1]) for _ in range(5)))) == [2, 3, 4, 5, 6]


async def test_who_leaves_does_not_disturb_the_others(redis: Redis) -> None:
    count = Scripts(redis).register(COUNT)
    leaving, staying = (asyncio.create_task(count(["sum"], [1])) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert await count(["sum"], [0]) == 2


async def test_an_outage_is_everybodys(redis: Redis, redis_server: Child) -> None:
    count = Scripts(redis).register(COUNT)
    redis_server.stop()
    answers = await asyncio.gather(*(count(["sum"], [1]) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, OUTAGES) for answer in answers)
