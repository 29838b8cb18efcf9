"""Free loopback ports."""

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom
from typing import Final

LOOPBACK = "127.0.0.1"
_PORTS: Final = range(20_000, 32_768)
"""Below those that systems give to outgoing connections: one of these could have taken the port of
a server by the time that is started, or started again."""


def free_ports(count: int) -> list[int]:
    """Distinct TCP ports nobody listens on now."""
    found: list[int] = []
    with ExitStack() as held:
        for port in SystemRandom().sample(_PORTS, len(_PORTS)):
            if len(found) == count:
                break
            tried = held.enter_context(socket.socket())
            with suppress(OSError):
                tried.bind((LOOPBACK, port))
                found.append(port)
    return found


def is_listening(port: int) -> bool:
    """Whether a connection to the port is accepted."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
