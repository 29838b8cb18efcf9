"""Takes acts out of Redis and seals them. Every gateway does; one segment is written by one."""

import asyncio
import logging
from dataclasses import dataclass

from service import blobs as blob_store
from service.audit.chain import Broken, Head, chained
from service.audit.segments import Segments
from service.store import connection
from service.store.audit import AuditTrail

_MOST_LINES = 1000
_OUTAGES: tuple[type[Exception], ...] = (
    *connection.OUTAGES,
    *blob_store.OUTAGES,
    Broken,
    OSError,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals every `interval_s` seconds. What it has not come to yet waits in Redis."""

    trail: AuditTrail
    segments: Segments
    interval_s: float

    async def run(self) -> None:
        """Seal, until cancelled."""
        while True:
            try:
                while await self.seal_some():
                    pass
            except _OUTAGES as outage:
                log.warning("not sealed yet: %s", type(outage).__name__)
            await asyncio.sleep(self.interval_s)

    async def seal_some(self) -> bool:
        """Seal what waits, up to a thousand acts; whether there were any.

        The segment decides: where a gateway died between writing it and saying so, or another was
        faster, what stands there is taken as it is.
        """
        head = await self.trail.head()
        acts = await self.trail.waiting(_MOST_LINES)
        if not acts:
            return False
        lines = await self.segments.add(list(chained(head, acts)))
        last = lines[-1]
        after = Head(seq=last.seq, hash=last.hash)
        return await self.trail.commit(head, after, [line.id for line in lines])
