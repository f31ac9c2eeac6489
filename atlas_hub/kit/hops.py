"""Whom limits count: the address of a caller, through proxies that are trusted."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

Networks = tuple[IPv4Network | IPv6Network, ...]

_V6_SITE: Final = 64


def caller(peer: str, forwarded: Iterable[str], trusted: Networks) -> str:
    """The right-most hop that is no trusted proxy; an IPv6 address by its /64, which is one site's.

    `forwarded` are the lines of `X-Forwarded-For`, read only as far as trusted proxies wrote them.
    """
    hop = peer
    hops = [part.strip() for line in forwarded for part in line.split(",")]
    while hops and _is_in(hop, trusted):
        hop = hops.pop()
    try:
        address = ip_address(_bare(hop))
    except ValueError:
        return hop[:64]
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or address.version == 4:  # noqa: PLR2004  # IPv4
        return str(mapped or address)
    return str(ip_network(f"{address}/{_V6_SITE}", strict=False))


def _is_in(hop: str, networks: Networks) -> bool:
    try:
        address = ip_address(_bare(hop))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address.version == network.version and address in network for network in networks)


def _bare(hop: str) -> str:
    """Without brackets, port and zone, which some proxies write."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    if hop.count(":") == 1:
        return hop.partition(":")[0]
    return hop.partition("%")[0]
