"""Waiting for a job or a batch without asking again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from service.store.events import Changes

T = TypeVar("T")

LONGEST_WAIT_S = 60
_LOOK_ANYWAY_S = 5.0
"""A message about a change may get lost: nobody waits longer than this without looking."""


async def wait_until(
    changes: Changes,
    subject_id: str,
    look: Callable[[], Awaitable[T]],
    is_enough: Callable[[T], bool],
    wait_s: float,
) -> T:
    """What `look` finds once it is enough, or after `wait_s` whatever there is by then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    with changes.of(subject_id) as changed:
        while True:
            changed.clear()
            found = await look()
            left_s = deadline - loop.time()
            if is_enough(found) or left_s <= 0:
                return found
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, _LOOK_ANYWAY_S)):
                    await changed.wait()
