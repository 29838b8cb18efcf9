"""Where a running stack's Redis is, left in its data folder for commands on the same machine."""

import os
from pathlib import Path

from service.embedded.processes import StackError

_NAME = "redis.url"


def publish_redis(data_dir: Path, url: str) -> None:
    """Write the URL, which holds the password, into a file only this user can read."""
    withdraw_redis(data_dir)
    only_if_new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(data_dir / _NAME, only_if_new, 0o600), "w", encoding="ascii") as file:
        file.write(url)


def withdraw_redis(data_dir: Path) -> None:
    """Remove what this stack, or a killed one before it, has left."""
    (data_dir / _NAME).unlink(missing_ok=True)


def published_redis(data_dir: Path) -> str:
    """The URL of the stack running on a folder. Raises StackError where none runs."""
    try:
        return (data_dir / _NAME).read_text(encoding="ascii")
    except FileNotFoundError as exc:
        raise StackError(
            f"no stack runs on {data_dir}: start it with `madv up`, or say --data or --redis-url"
        ) from exc
