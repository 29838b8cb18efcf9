"""Sealed lines in an object store: files that are written once, named for their first line."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore, from_url
from pydantic import ValidationError

from service.audit.chain import Broken, Line

_SUFFIX = ".jsonl"


class Segments:
    """All segments below a URL, which is opened at first need. Raises OSError where it is not."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> ObjectStore:
        is_local = self._url.startswith("file:")
        return from_url(self._url, mkdir=True) if is_local else from_url(self._url)

    async def add(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Store some lines, unless others stand in their place already: those that stand there."""
        name = f"{lines[0].seq:012}{_SUFFIX}"
        text = "".join(line.model_dump_json() + "\n" for line in lines)
        try:
            await obstore.put_async(self._store, name, text.encode(), mode="create")
        except AlreadyExistsError:
            found = await obstore.get_async(self._store, name)
            return list(_parsed(name, bytes(await found.bytes_async())))
        return lines

    def lines(self) -> Iterator[Line]:
        """All lines in order. Raises Broken where one cannot be read."""
        found = obstore.list(self._store).collect()
        for name in sorted(each["path"] for each in found if each["path"].endswith(_SUFFIX)):
            yield from _parsed(name, bytes(obstore.get(self._store, name).bytes()))


def _parsed(name: str, content: bytes) -> Iterator[Line]:
    for number, line in enumerate(content.splitlines(), 1):
        try:
            yield Line.model_validate_json(line)
        except ValidationError as error:
            raise Broken(f"{name}, row {number}: it cannot be read") from error
