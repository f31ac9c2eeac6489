"""What the guard lets through and what it does not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest

from atlas_hub.kit import guard as guard_module
from atlas_hub.kit.errors import BadForm, NetworkError
from atlas_hub.kit.guard import Guard, is_public, resolve_all
from tests.kit.hostile_urls import DNS, FINE, HOSTILE, PUBLIC, PUBLIC_V6, wide


class Names:
    """A name server that counts its questions."""

    def __init__(self, answers: dict[str, list[str]] = DNS) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return self.answers[host]


def networks(*texts: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in texts]


def test_the_table_is_large_and_distinct():
    assert len({url for url, _ in HOSTILE}) == len(HOSTILE) >= 160


@pytest.mark.parametrize(("url", "why"), HOSTILE, ids=[f"{why}-{i}" for i, (_, why) in enumerate(HOSTILE)])
async def test_a_hostile_url_is_refused(url: str, why: str):
    guard = Guard(resolve=Names(), own_hosts=("hub.example",))
    with pytest.raises(BadForm) as caught:
        await guard.url(url, field="webhook_url")
    assert list(caught.value.fields) == ["webhook_url"]
    assert caught.value.text.endswith(".")
    assert (await guard.url("https://example.com/")).address == PUBLIC


@pytest.mark.parametrize(("url", "host", "address"), FINE)
async def test_a_fine_url_passes_pinned(url: str, host: str, address: str):
    names = Names()
    target = await Guard(resolve=names).url(url)
    assert (target.scheme, target.host, target.address) == ("https", host, address)
    assert target.port in {443, 8443}
    assert target.path.startswith("/")
    assert len(names.asked) <= 1


async def test_the_query_is_part_of_the_path_and_the_port_of_the_authority():
    guard = Guard(resolve=Names())
    assert (await guard.url("https://example.com?x=1")).path == "/?x=1"
    assert (await guard.url("https://example.com:8443/a?b=c")).authority == "example.com:8443"
    assert (await guard.url("https://example.com:443/")).authority == "example.com"
    assert (await guard.url("https://[2606:4700:4700::1111]:8443/")).authority == "[2606:4700:4700::1111]:8443"


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/",
        "https://metadata.google.internal/",
        "http://example.com/",
        "https://localhost/",
    ],
)
async def test_what_needs_no_name_server_asks_none(url: str):
    names = Names()
    with pytest.raises(BadForm):
        await Guard(resolve=names).url(url)
    assert names.asked == []


async def test_the_system_resolver_reads_odd_literals_as_the_guard_fears():
    """Why `127.1` is refused by its form: the resolver would make loopback of it."""
    assert await resolve_all("127.1", 443) == ["127.0.0.1"]
    assert await resolve_all("0x7f000001", 443) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://10.0.0.5:9090/api", "10.0.0.5"),
        ("https://10.0.0.5/", "10.0.0.5"),
        ("http://prometheus.internal:9090/", "10.0.0.7"),
        ("http://localhost:8025/", "127.0.0.1"),
        ("http://[::ffff:10.0.0.5]:80/", "10.0.0.5"),
    ],
)
async def test_the_operator_lifts_address_port_and_scheme(url: str, address: str):
    names = Names({"prometheus.internal": ["10.0.0.7"], "localhost": ["127.0.0.1"]})
    guard = Guard(networks("10.0.0.0/8", "127.0.0.0/8"), names)
    assert (await guard.url(url)).address == address


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",  # outside the allowed networks nothing is lifted
        "https://example.com:8080/",
        "https://192.168.0.1/",
        "http://mixed.example/",  # one allowed address does not lift the rest
        "https://localhost/",
        "https://odd.internal/",  # a neighbour's name with a public address
        "https://metadata.google.internal/",
        "https://hub.example/",
        "https://[64:ff9b::a00:5]/",  # NAT64 of an allowed address, itself not allowed
    ],
)
async def test_an_allowed_network_opens_nothing_else(url: str):
    names = Names({**DNS, "localhost": ["127.0.0.1"], "odd.internal": [PUBLIC]})
    guard = Guard(networks("10.0.0.0/8", "169.254.0.0/16"), names, own_hosts=("hub.example",))
    with pytest.raises(BadForm):
        await guard.url(url)
    assert (await guard.url("http://10.1.1.1:9090/")).port == 9090


async def test_an_allowed_translation_prefix_does_not_smuggle_private_addresses():
    guard = Guard(networks("64:ff9b::/96", "2002::/16", "2001::/32"), Names())
    assert (await guard.url("https://[64:ff9b::808:808]/")).address == "64:ff9b::808:808"
    for hidden in ("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe"):
        with pytest.raises(BadForm):
            await guard.url(f"https://[{hidden}]/")


async def test_localhost_as_the_hubs_own_name_stays_the_operators_to_lift():
    guard = Guard(networks("127.0.0.0/8"), Names({"localhost": ["127.0.0.1"]}), ("localhost", "127.0.0.1"))
    assert (await guard.url("http://localhost:3000/")).address == "127.0.0.1"
    assert (await guard.url("http://127.0.0.1:3000/")).address == "127.0.0.1"


async def test_a_name_that_is_not_found_is_a_network_error_and_the_next_try_succeeds():
    names = Names({})
    guard = Guard(resolve=names)
    with pytest.raises(NetworkError) as caught:
        await guard.url("https://example.com/", field="url")
    assert caught.value.field == "url"
    assert caught.value.__suppress_context__
    names.answers = DNS
    assert (await guard.url("https://example.com/")).address == PUBLIC


async def test_a_silent_name_server_is_a_network_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard_module, "RESOLVE_SECONDS", 0.01)

    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(10)
        return []

    with pytest.raises(NetworkError, match="did not answer"):
        await Guard(resolve=silent).url("https://example.com/")


@pytest.mark.parametrize("port", [25, 465, 587, 2525])
async def test_a_mail_server_is_found_on_the_mail_ports(port: int):
    target = await Guard(resolve=Names()).host("Example.com.", port)
    assert (target.scheme, target.host, target.port, target.address) == ("smtp", "example.com", port, PUBLIC)


async def test_a_mail_server_may_be_written_as_an_address():
    assert (await Guard(resolve=Names()).host("[2606:4700::1]", 25)).address == "2606:4700::1"
    assert (await Guard(networks("127.0.0.0/8")).host("127.0.0.1", 1025)).port == 1025


@pytest.mark.parametrize("port", [-1, 0, 22, 80, 443, 6379, 65536])
async def test_a_mail_server_on_another_port_is_refused_at_the_port(port: int):
    with pytest.raises(BadForm) as caught:
        await Guard(resolve=Names()).host("example.com", port, port_field="smtp_port")
    assert list(caught.value.fields) == ["smtp_port"]


@pytest.mark.parametrize(
    "host",
    [
        "", "localhost", "127.0.0.1", "127.1", "2130706433", "::1", "[::1]", "fe80::1%eth0", "mixed.example",
        "rebind.example", "nothing.example", "mail.internal", "user@example.com", "example.com/x",
        "example.com:25", "exam ple.com", "example.com\r\nRCPT", "https://example.com", wide("localhost"),
        "example.com#x",
    ],
)  # fmt: skip
async def test_a_hostile_mail_server_is_refused_at_the_host(host: str):
    guard = Guard(resolve=Names())
    with pytest.raises(BadForm) as caught:
        await guard.host(host, 587)
    assert list(caught.value.fields) == ["host"]
    assert (await guard.host("example.com", 587)).address == PUBLIC


def test_public_addresses_are_public():
    for text in (
        "8.8.8.8",
        "1.1.1.1",
        "172.15.255.255",
        "192.0.1.1",
        "223.255.255.255",
        PUBLIC_V6,
        "2a00::1",
    ):
        assert is_public(ipaddress.ip_address(text))
