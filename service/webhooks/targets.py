"""Which targets webhooks may have: https on public addresses, and networks that were permitted.

A host is resolved once; every address it has must pass, and the request then goes to an address
that passed, whatever the name resolves to later. TLS is still verified against the name.

TargetRefused             the URL or one of its addresses is not permitted
  TargetNotFound          its host name cannot be resolved
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a host name and port. Raises OSError where there are none."""

_PORTS = {"https": 443, "http": 80}
_MOST_CHARACTERS = 2048
_MOST_NAME_CHARACTERS = 253
_PLAIN = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# What resolvers and other URL parsers take for an IPv4 address, in whatever spelling.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")

_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# `is_global` of Python 3.11 lets these through, or did in one of its releases.
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # shared by carriers and clouds (RFC 6598)
        "168.63.129.16/32",  # Azure's agent and metadata, though of a public range
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928, RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4: wraps any IPv4 address (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)


class TargetRefused(Exception):
    """Webhooks may not go there; the text says why, without addresses."""


class TargetNotFound(TargetRefused):
    """The host name cannot be resolved."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A request's destination: the URL names an address, the rest keeps the host's name."""

    url: httpx.URL
    host_header: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Target:
    """A permitted URL and the addresses, each checked, its host resolved to."""

    url: httpx.URL
    addresses: tuple[Address, ...]

    def pinned(self, address: Address) -> Pinned:
        """The URL at one of the addresses."""
        return Pinned(
            url=self.url.copy_with(host=str(address)),
            host_header=self.url.netloc.decode("ascii"),
            server_name=_host(self.url),
        )


async def resolve(host: str, port: int) -> list[str]:
    """The addresses the system's resolver knows, best first. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(endpoint[0]) for *_, endpoint in found]


@dataclass(frozen=True, slots=True)
class TargetGuard:
    """Permits public https targets, and any in `networks`, there also by http."""

    networks: tuple[Network, ...] = ()
    resolver: Resolver = resolve

    async def check(self, url: str) -> Target:
        """Resolve a target, once. Raises TargetRefused."""
        parsed = parse(url)
        if parsed.scheme != "https" and not self.networks:
            raise TargetRefused("only https is permitted")
        addresses = await self._addresses(parsed)
        for address in addresses:
            self._refuse_unless_permitted(address, parsed.scheme)
        return Target(parsed, addresses)

    async def _addresses(self, url: httpx.URL) -> tuple[Address, ...]:
        host = _host(url)
        literal = _literal(host)
        if literal is not None:
            return (literal,)
        try:
            found = await self.resolver(host, url.port or _PORTS[url.scheme])
        except OSError as exc:
            raise TargetNotFound("its host name cannot be resolved") from exc
        if not found:
            raise TargetNotFound("its host name has no address")
        return tuple(dict.fromkeys(ip_address(text) for text in found))

    def _refuse_unless_permitted(self, address: Address, scheme: str) -> None:
        if any(address in network for network in self.networks):
            return
        if scheme != "https":
            raise TargetRefused("only https is permitted")
        if not is_public(address):
            raise TargetRefused("it is not at a public address")


def parse(url: str) -> httpx.URL:
    """A URL that can mean one thing only. Raises TargetRefused."""
    if len(url) > _MOST_CHARACTERS:
        raise TargetRefused(f"it has more than {_MOST_CHARACTERS} characters")
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise TargetRefused("it has characters that must be escaped, or a name not in punycode")
    if "#" in url:
        raise TargetRefused("it has a fragment")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise TargetRefused("it is not a URL") from exc
    if parsed.scheme not in _PORTS:
        raise TargetRefused("only https is permitted")
    if "@" in re.split(r"[/?]", url.partition("//")[2], maxsplit=1)[0]:
        raise TargetRefused("it carries credentials")
    if parsed.port is not None and not 1 <= parsed.port <= 65535:  # noqa: PLR2004  # TCP
        raise TargetRefused("its port does not exist")
    _literal(_host(parsed))
    return parsed


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also when it wraps an IPv4 address."""
    if isinstance(address, IPv6Address):
        if (wrapped := _wrapped(address)) is not None:
            return is_public(wrapped)
        if address not in _PUBLIC_V6:
            return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _SPECIAL)
    )


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a mapped or NAT64 address stands for.

    6to4 and Teredo wrap some too; they are refused whatever they wrap, as nobody receives there.
    """
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _host(url: httpx.URL) -> str:
    """As it goes over the wire: punycode stays punycode."""
    return url.raw_host.decode("ascii")


def _literal(host: str) -> Address | None:
    """The address a host is written as; None for a name. Raises TargetRefused for neither."""
    if ":" in host or _NUMERIC.fullmatch(host):
        return _address(host)
    if len(host) > _MOST_NAME_CHARACTERS or not _NAME.fullmatch(host):
        raise TargetRefused("its host is no plain DNS name")
    return None


def _address(host: str) -> Address:
    """Dotted decimal or RFC 4291, without a zone."""
    if "%" in host:
        raise TargetRefused("its address has a zone")
    try:
        return IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError as exc:
        raise TargetRefused("its address is spelled in an unusual way") from exc
