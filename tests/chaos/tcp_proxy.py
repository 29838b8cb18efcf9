"""A TCP proxy between two parts on loopback: what it carries can be cut, held back or slowed."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from service.embedded.ports import LOOPBACK, free_ports

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Flow:
    is_cut: bool = False
    is_held: bool = False
    is_deaf: bool = False
    delay_s: float = 0.0


class Proxy:
    """Carries connections to a port, in a thread of its own. Open unless told otherwise."""

    def __init__(self, target_port: int) -> None:
        (self.port,) = free_ports(1)
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._asking, self._answering = asyncio.Event(), asyncio.Event()
        self._asking.set()
        self._answering.set()
        self._flow = _Flow()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"proxy-{target_port}")

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def open(self) -> None:
        """Carry everything at once again, what was held back first."""
        self._change(_Flow())

    def cut(self) -> None:
        """Break all connections, and each new one as soon as it is made."""
        self._change(_Flow(is_cut=True))

    def hold(self) -> None:
        """Carry nothing and break nothing: neither side hears of the other."""
        self._change(_Flow(is_held=True))

    def hold_answers(self) -> None:
        """Carry what is asked, and nothing that is answered."""
        self._change(_Flow(is_deaf=True))

    def slow(self, delay_s: float) -> None:
        """Carry everything so much later."""
        self._change(_Flow(delay_s=delay_s))

    def _change(self, flow: _Flow) -> None:
        self._loop.call_soon_threadsafe(self._begin, flow)

    def _begin(self, flow: _Flow) -> None:
        self._flow = flow
        for flowing, is_held in (
            (self._asking, flow.is_held),
            (self._answering, flow.is_held or flow.is_deaf),
        ):
            if is_held:
                flowing.clear()
            else:
                flowing.set()
        for writer in list(self._writers) if flow.is_cut else ():
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._carry, LOOPBACK, self.port)
        )
        self._is_listening.set()
        self._loop.run_forever()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._flow.is_cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            far_reader, far = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            self._drop(writer)
            return
        self._writers.add(far)
        asking = self._pump(reader, far, self._asking)
        answering = self._pump(far_reader, writer, self._answering)
        with contextlib.suppress(asyncio.CancelledError):  # the proxy is closed
            await asyncio.gather(asking, answering)
        self._drop(writer)
        self._drop(far)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        """Carry one direction until either side ends, which ends the other side, too."""
        with contextlib.suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                if self._flow.delay_s:
                    await asyncio.sleep(self._flow.delay_s)
                await flowing.wait()
                target.write(chunk)
                await target.drain()
        target.close()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()
