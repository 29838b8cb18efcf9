"""Several hosts on one machine: network namespaces around a bridge, each with its own address."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from service.embedded.processes import Command

_SUBNET = "10.213.77"
_OWN_ADDRESS = f"{_SUBNET}.254"
"""Of this process, which is no host of its own."""


class NoNamespaces(Exception):
    """This machine does not let us have any; the message says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A network of its own; the file system and everything else are shared."""

    namespace: str
    address: str
    switch: str
    port: str
    """The bridge's end of its cable."""

    def runs(self, command: Command) -> Command:
        """The same command on this host."""
        within = ("ip", "netns", "exec", self.namespace)
        return replace(command, argv=(*within, *command.argv))

    def cut_off(self) -> None:
        """Pull the cable: nothing comes or goes, and nobody is told."""
        _ip("-n", self.switch, "link", "set", self.port, "down")

    def reconnect(self) -> None:
        """Put it back."""
        _ip("-n", self.switch, "link", "set", self.port, "up")


@contextmanager
def network(names: Sequence[str]) -> Iterator[dict[str, Host]]:
    """Hosts of these names, which reach each other and are reached by this process.

    The bridge is in a namespace of its own as well: a firewall of this machine does not see it.

    Raises:
        NoNamespaces: They cannot be made here.
    """
    prefix = f"madv{os.getpid()}"
    switch = f"{prefix}-switch"
    hosts = {
        name: Host(f"{prefix}-{name}", f"{_SUBNET}.{number}", switch, f"port{number}")
        for number, name in enumerate(names, start=1)
    }
    _refuse_unless_possible()
    namespaces = [switch, *(host.namespace for host in hosts.values())]
    try:
        for namespace in namespaces:
            _ip("netns", "add", namespace)
        _lay_bridge(switch, prefix)
        for host in hosts.values():
            _plug_in(host)
        yield hosts
    finally:
        # Cables go with their namespaces.
        for namespace in namespaces:
            subprocess.run(("ip", "netns", "delete", namespace), capture_output=True, check=False)


def _refuse_unless_possible() -> None:
    if shutil.which("ip") is None:
        raise NoNamespaces("there is no `ip` here, the command of iproute2")
    if os.geteuid() != 0:
        raise NoNamespaces("network namespaces are made by root")
    probe = f"madv{os.getpid()}-probe"
    try:
        _ip("netns", "add", probe)
        _ip("-n", probe, "link", "add", "name", "bridge0", "type", "bridge")
        _ip("-n", probe, "link", "add", "name", "one", "type", "veth", "peer", "name", "two")
    except subprocess.CalledProcessError as error:
        raise NoNamespaces(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from error
    finally:
        subprocess.run(("ip", "netns", "delete", probe), capture_output=True, check=False)


def _lay_bridge(switch: str, own_end: str) -> None:
    _ip("-n", switch, "link", "add", "name", "bridge0", "type", "bridge")
    _ip("-n", switch, "link", "set", "bridge0", "up")
    peer = ("peer", "name", own_end, "netns", str(os.getpid()))
    _ip("-n", switch, "link", "add", "name", "port0", "type", "veth", *peer)
    _ip("-n", switch, "link", "set", "port0", "master", "bridge0", "up")
    _ip("address", "add", f"{_OWN_ADDRESS}/24", "dev", own_end)
    _ip("link", "set", own_end, "up")


def _plug_in(host: Host) -> None:
    peer = ("peer", "name", "eth0", "netns", host.namespace)
    _ip("-n", host.switch, "link", "add", "name", host.port, "type", "veth", *peer)
    _ip("-n", host.switch, "link", "set", host.port, "master", "bridge0", "up")
    _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
    _ip("-n", host.namespace, "link", "set", "lo", "up")
    _ip("-n", host.namespace, "link", "set", "eth0", "up")


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), capture_output=True, text=True, check=True)
