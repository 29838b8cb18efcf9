"""A network of its own, in which nothing goes unnoticed: a canary listens, the kernel counts."""

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_COUNTED: Final = {
    "Tcp": ("ActiveOpens", "AttemptFails"),
    "Udp": ("OutDatagrams",),
    "Ip": ("OutRequests", "OutNoRoutes"),
}
"""What the kernel counts of connections begun, datagrams sent, and packets with nowhere to go."""


class NoNamespace(Exception):
    """This process may not have a network of its own."""


@dataclass(frozen=True)
class Noticed:
    """What happened in the network since it was made."""

    callers: int
    """Connections that reached the canary."""
    counters: dict[str, int]


def enter_new_network() -> None:
    """Leave the network for an empty one with a loopback of its own. Only for children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise NoNamespace(errno.errorcode[ctypes.get_errno()])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def why_no_network() -> str:
    """What forbids a network of one's own, empty where nothing does. Only for children."""
    try:
        enter_new_network()
    except NoNamespace as error:
        return str(error)
    return ""


@contextmanager
def canary(port: int) -> Iterator[socket.socket]:
    """Listens on loopback."""
    with socket.create_server(("127.0.0.1", port), backlog=128) as server:
        server.settimeout(0.0)
        yield server


def noticed(server: socket.socket) -> Noticed:
    """What has happened up to now."""
    callers = 0
    while True:
        try:
            connection, _ = server.accept()
        except BlockingIOError:
            return Noticed(callers, _counters())
        connection.close()
        callers += 1


def call(port: int) -> None:
    """What hostile files ask for."""
    socket.create_connection(("127.0.0.1", port), timeout=5.0).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreachable:
        try:
            unreachable.sendto(b"?", ("192.0.2.1", 53))
        except OSError as error:
            if error.errno != errno.ENETUNREACH:
                raise


def _counters() -> dict[str, int]:
    found = {}
    lines = Path("/proc/self/net/snmp").read_text(encoding="ascii").splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        layer = names.partition(":")[0]
        fields = dict(zip(names.split()[1:], values.split()[1:], strict=True))
        found |= {f"{layer}.{name}": int(fields[name]) for name in _COUNTED.get(layer, ())}
    return found
