"""Clips and results in an object store: a local folder today, S3 by changing the URL."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from service.errors import GatewayCode, ProblemError

OUTAGES: tuple[type[Exception], ...] = (BaseError,)
"""What an unreachable or refusing store raises."""

_REMOTE_PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes as a part of an upload."""
_LOCAL_PART_BYTES = 512 * 1024
_PARTS_IN_FLIGHT = 2
_RETRIES = 3
_PATIENCE = timedelta(seconds=15)
"""With a store elsewhere: whoever waits for the answer is told soon that there is none."""
_MOST_HALVES = 8
"""obstore writes beside a file, to `name#1` or, where that is there already, `name#2` and so on."""
_FULL = re.compile(r"os error (28|122)\b|InsufficientStorage|XMinioStorageFull")
"""ENOSPC, EDQUOT and what S3-like stores answer: obstore tells kinds of failures by text alone."""


class Blobs:
    """Keys and bytes. A blob appears whole or not at all."""

    def __init__(self, url: str) -> None:
        is_local = url.startswith("file:")
        self._folder = Path(unquote(urlsplit(url).path)) if is_local else None
        self._store: ObjectStore = (
            from_url(url, mkdir=True)
            if is_local
            else from_url(url, retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE})
        )
        self._part_bytes = _LOCAL_PART_BYTES if is_local else _REMOTE_PART_BYTES

    async def put(self, key: str, blocks: AsyncIterator[bytes]) -> None:
        """Store a stream; nothing is left behind where the stream breaks off."""
        first = await anext(blocks, b"")
        second = await anext(blocks, None)
        if second is None:  # a stream of one block costs three times as much as the block
            await self.write(key, first)
            return
        with _troubles_are_told():
            await obstore.put_async(
                self._store,
                key,
                _all(first, second, blocks),
                chunk_size=self._part_bytes,
                max_concurrency=_PARTS_IN_FLIGHT,
            )

    async def write(self, key: str, body: bytes) -> None:
        """Store a small blob."""
        with _troubles_are_told():
            await obstore.put_async(self._store, key, body)

    async def read(self, key: str) -> bytes:
        """A small blob. Raises FileNotFoundError."""
        found = await obstore.get_async(self._store, key)
        return bytes(await found.bytes_async())

    async def delete(self, key: str) -> None:
        """Erase a blob, if it is there, and what dead processes have left of it half written."""
        if self._folder is not None:
            for number in range(1, _MOST_HALVES + 1):
                (self._folder / f"{key}#{number}").unlink(missing_ok=True)
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def check(self) -> None:
        """Raise unless the store answers. A bucket that is not there does not."""
        with _troubles_are_told():
            await obstore.list_with_delimiter_async(self._store, prefix="health")


async def _all(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for block in rest:
        yield block


@contextmanager
def _troubles_are_told() -> Iterator[None]:
    """A full store is a problem of its own: waiting a little does not help."""
    try:
        yield
    except FileNotFoundError as error:  # no blob is read here: it is the bucket that is missing
        raise BaseError("the bucket is not there") from error
    except BaseError as error:
        if _FULL.search(str(error)) is None:
            raise
        raise ProblemError(GatewayCode.STORAGE_FULL, "There is no room for the clip.") from error
