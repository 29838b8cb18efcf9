"""The synchronous client is the asynchronous one with other names, and nobody edits it."""

import inspect
from collections.abc import Callable

import pytest

from service.client import AsyncMadvClient, MadvClient
from service.client.generate import HERE, TARGET, generated

PUBLIC = [name for name in dir(AsyncMadvClient) if not name.startswith("_")]


def test_the_generated_files_are_up_to_date() -> None:
    committed = {
        path.name: path.read_text(encoding="utf-8") for path in (HERE / TARGET).glob("*.py")
    }
    assert committed == generated(), "run `make client`"


def test_both_offer_the_same_methods() -> None:
    assert [name for name in dir(MadvClient) if not name.startswith("_")] == PUBLIC


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "url"])
def test_both_take_the_same_arguments(name: str) -> None:
    methods: list[Callable[..., object]] = [
        getattr(kind, name) for kind in (AsyncMadvClient, MadvClient)
    ]
    ours, theirs = (inspect.signature(method).parameters for method in methods)
    assert ours == theirs
