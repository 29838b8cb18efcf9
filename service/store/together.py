"""Lua scripts, sent together: all that are asked for while a call is under way, in the next.

A call of its own for each would cost several times what Redis spends on it, in connections taken,
system calls made and processes woken.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError, ResponseError
from redis.typing import EncodableT

_MOST_AT_ONCE = 64


class Script(Protocol):
    """Runs one script."""

    async def __call__(self, keys: Sequence[str], args: Sequence[EncodableT]) -> object:
        """What the script answers. Raises one of `OUTAGES`."""


@dataclass(frozen=True, slots=True)
class _Asked:
    script: AsyncScript
    keys: Sequence[str]
    args: Sequence[EncodableT]
    answer: asyncio.Future[object]


class Scripts:
    """The scripts of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[_Asked] = []
        self._sending: asyncio.Task[None] | None = None

    def register(self, source: str) -> Script:
        """A script to be called."""
        script = self._redis.register_script(source)

        async def run(keys: Sequence[str], args: Sequence[EncodableT]) -> object:
            loop = asyncio.get_running_loop()
            asked = _Asked(script, keys, args, loop.create_future())
            self._waiting.append(asked)
            if self._sending is None:
                self._sending = loop.create_task(self._send_waiting())
            return await asked.answer

        return run

    async def _send_waiting(self) -> None:
        while waiting := self._waiting[:_MOST_AT_ONCE]:
            del self._waiting[:_MOST_AT_ONCE]
            try:
                await self._send(waiting)
            except Exception as error:  # noqa: BLE001  # everybody who waits raises it
                for asked in waiting:
                    _settle(asked, error)
        self._sending = None

    async def _send(self, waiting: Sequence[_Asked]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for asked in waiting:
                pipe.evalsha(asked.script.sha, len(asked.keys), *asked.keys, *asked.args)
            answers = await pipe.execute(raise_on_error=False)
        for asked, answer in zip(waiting, answers, strict=True):
            _settle(asked, await _again(asked) if isinstance(answer, NoScriptError) else answer)


async def _again(asked: _Asked) -> object:
    """Redis does not know the script, as it was started anew: load it. Nothing had been done."""
    try:
        return await asked.script([*asked.keys], [*asked.args])
    except ResponseError as error:
        return error


def _settle(asked: _Asked, answer: object) -> None:
    if asked.answer.done():  # who asked was cancelled
        return
    if isinstance(answer, Exception):
        asked.answer.set_exception(answer)
    else:
        asked.answer.set_result(answer)
