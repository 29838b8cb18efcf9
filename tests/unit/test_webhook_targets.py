from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from service.webhooks.targets import TargetGuard, TargetNotFound, TargetRefused, is_public, resolve

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:4700:4700::1111"


class Names:
    """A resolver that knows one answer after the other, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


async def unknown(host: str, port: int) -> Sequence[str]:
    raise OSError(f"{host}:{port} is not known")


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6, f"::ffff:{PUBLIC}", "64:ff9b::5db8:d70e"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104  # refused, not listened on
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.9",
        "192.88.99.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::1",
        "2002:5db8:d70e::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_all_other_addresses(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org:8443/hook?team=a%20b",
        f"https://{PUBLIC}/",
        f"https://[{PUBLIC_V6}]:444/",
        "https://xn--bcher-kva.example/",
        "https://a_b.example.org/",
    ],
)
async def test_targets_that_are_permitted(url: str) -> None:
    target = await TargetGuard(resolver=Names([PUBLIC, PUBLIC_V6])).check(url)
    assert str(target.url) == url


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "https:///hook",
        "https:example.org",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://@example.org/",
        "https://example.org/#here",
        "https://example.org/#",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org./",
        "https://.example.org/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: other",
        "https://example.org\\@127.0.0.1/",
        "https://127.0.0.1\\.example.org/",
        "https://exam%70le.org/",
        "https://127.0.0.1%2eexample.org/",
        "https://b\u00fccher.example/",
        "https://127\u3002" + "0\u30020\u30021/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://\u24db\u24de\u24d2alhost/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://127.0.0.01/",
        "https://127.0.0.1./",
        "https://1.2.3.4.5/",
        "https://127.0.0.0x1/",
        "https://example.0x/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://" + "a" * 64 + ".org/",
        "https://" + "a." * 127 + "org/",
        "https://example.org/" + "a" * 2048,
    ],
)
async def test_targets_that_are_refused_without_asking_a_resolver(url: str) -> None:
    names = Names()
    with pytest.raises(TargetRefused):
        await TargetGuard(resolver=names).check(url)
    assert names.asked == []


@pytest.mark.anyio
@pytest.mark.parametrize("inner", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_one_inner_address_among_public_ones_is_enough(inner: str) -> None:
    with pytest.raises(TargetRefused, match="public"):
        await TargetGuard(resolver=Names([PUBLIC, inner])).check("https://example.org/")


@pytest.mark.anyio
async def test_this_machine_by_name_is_refused() -> None:
    with pytest.raises(TargetRefused, match="public"):
        await TargetGuard().check("https://localhost/")


@pytest.mark.anyio
async def test_names_nobody_knows_are_told_apart() -> None:
    with pytest.raises(TargetNotFound, match="resolved"):
        await TargetGuard(resolver=unknown).check("https://example.org/")
    with pytest.raises(TargetNotFound):
        await TargetGuard(resolver=Names([])).check("https://example.org/")


@pytest.mark.anyio
async def test_permitted_networks_are_open_to_http_and_nothing_near_them_is() -> None:
    guard = TargetGuard((ip_network("127.0.0.1/32"),), Names([PUBLIC]))
    for url in ("http://127.0.0.1:8080/", "https://127.0.0.1/"):
        assert (await guard.check(url)).addresses == (ip_address("127.0.0.1"),)
    for url in (
        "http://127.0.0.2/",
        "http://[::ffff:127.0.0.1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://example.org/",
    ):
        with pytest.raises(TargetRefused):
            await guard.check(url)


@pytest.mark.anyio
async def test_a_host_is_resolved_once_and_the_request_bound_to_the_answer() -> None:
    names = Names([PUBLIC, PUBLIC_V6, PUBLIC], ["127.0.0.1"])
    target = await TargetGuard(resolver=names).check("https://Example.org:8443/hook?a=1")
    first, second = (target.pinned(address) for address in target.addresses)
    assert str(first.url) == f"https://{PUBLIC}:8443/hook?a=1"
    assert str(second.url) == f"https://[{PUBLIC_V6}]:8443/hook?a=1"
    assert {first.host_header, second.host_header} == {"example.org:8443"}
    assert {first.server_name, second.server_name} == {"example.org"}
    assert names.asked == [("example.org", 8443)]


@pytest.mark.anyio
async def test_names_in_punycode_stay_so() -> None:
    names = Names([PUBLIC])
    target = await TargetGuard(resolver=names).check("https://xn--bcher-kva.example/")
    pinned = target.pinned(target.addresses[0])
    assert (pinned.host_header, pinned.server_name) == ("xn--bcher-kva.example",) * 2
    assert names.asked == [("xn--bcher-kva.example", 443)]


@pytest.mark.anyio
async def test_the_systems_resolver_is_asked_for_addresses() -> None:
    assert "127.0.0.1" in await resolve("127.0.0.1", 443)
