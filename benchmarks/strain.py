"""What a gateway has to bear: uploads that trickle, and one that never ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import http_load
from http_load import HOST, MULTIPART
from sides import Side

HUGE_BYTES: Final = 2 * 1024**3
_PIECE: Final = bytes(1024 * 1024)
_CLIP_HEAD: Final = b"\x00\x00\x00\x20ftypisom"
"""What else is sent after it, it is taken for a video."""
_TRICKLE_S: Final = 0.05
_TRICKLE: Final = bytes(1024)
_ANSWER_S: Final = 60.0


@asynccontextmanager
async def slow_uploads(port: int, headers: Sequence[str], count: int) -> AsyncIterator[None]:
    """So many uploads of a kilobyte each twentieth of a second, which do not come to an end."""
    tasks = [asyncio.create_task(_trickle(port, headers)) for _ in range(count)]
    try:
        yield
    finally:
        ended = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        raise http_load.UnexpectedAnswer(f"{ended} slow uploads ended early")


async def _trickle(port: int, headers: Sequence[str]) -> None:
    fields = (*headers, MULTIPART, f"Content-Length: {100 * len(_PIECE)}")
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(http_load.head("POST", "/v1/recognize", fields))
        writer.write(http_load.multipart_frame()[0] + _CLIP_HEAD)
        while not reader.at_eof():
            writer.write(_TRICKLE)
            await writer.drain()
            await asyncio.sleep(_TRICKLE_S)
    finally:
        writer.close()


async def refuse_huge(side: Side, headers: Sequence[str], *, is_chunked: bool) -> float:
    """Megabytes by which a gateway grows at most while it refuses 2 GB."""
    before_kb = _forget_peak(side.pid)
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {HUGE_BYTES}"
    reader, writer = await asyncio.open_connection(HOST, side.port)
    try:
        writer.write(http_load.head("POST", "/v1/recognize", (*headers, MULTIPART, framing)))
        async with asyncio.timeout(_ANSWER_S):
            sender = asyncio.create_task(_send_huge(writer, is_chunked=is_chunked))
            status = int((await reader.readline()).split()[1])
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender
    finally:
        writer.transport.abort()  # to close it would first send what is still to be sent
    if status != 413:  # noqa: PLR2004  # content too large
        raise http_load.UnexpectedAnswer(f"a huge upload was answered {status}")
    return (_memory_kb(side.pid, "VmHWM") - before_kb) / 1000


async def _send_huge(writer: asyncio.StreamWriter, *, is_chunked: bool) -> None:
    opening, _ = http_load.multipart_frame()
    with contextlib.suppress(ConnectionError):
        for piece in (opening, _CLIP_HEAD, *[_PIECE] * (HUGE_BYTES // len(_PIECE))):
            framed = (b"%x\r\n" % len(piece), piece, b"\r\n") if is_chunked else (piece,)
            writer.writelines(framed)
            await writer.drain()


def _forget_peak(pid: int) -> int:
    """Resident memory of a process now, which the kernel takes for its peak from here on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return _memory_kb(pid, "VmRSS")


def _memory_kb(pid: int, name: str) -> int:
    """Resident memory of a process now (VmRSS) or at its peak (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise ValueError(f"/proc does not tell {name}")
