"""What an admin may make the hub connect to: one check of a URL or host, then the address to connect to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from atlas_hub.kit.errors import BadForm, NetworkError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port in, every A and AAAA address out, as texts."""

RESOLVE_SECONDS = 5.0
URL_LENGTH = 2048
TOO_LONG = "The address is longer than 2,048 characters."
HOST_LENGTH = 253
LABEL_LENGTH = 63
PORT_LAST = 65_535
URL_PORTS = frozenset({443, 8443})
SMTP_PORTS = frozenset({25, 465, 587, 2525})
DEFAULT_PORTS = {"https": 443, "http": 80}

_NEVER_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata.amazonaws.com"})
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa")
"""A name in these zones can only be a neighbour (RFC 6761, 6762, 8375; ICANN's `.internal`)."""

_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out as global unicast. Outside lie `::`, `::1`, mapped addresses, both `64:ff9b::`,
`100::`, `5f00::`, `fc00::`, `fe80::`, `fec0::` and `ff00::`."""
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """Where to connect. `host` is the name for SNI, certificate and `Host`; `address` is what was checked.

    `path` begins with `/` and carries the query. For SMTP the scheme is `smtp` and the path empty.
    """

    scheme: str
    host: str
    port: int
    address: str
    path: str = ""

    @property
    def authority(self) -> str:
        """`host[:port]` as a `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"


async def resolve_all(host: str, port: int) -> Sequence[str]:
    """Every address the system's resolver knows for the host. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Checks what an admin typed, once, and pins the address (OWASP SSRF cheat sheet, case 2).

    `allow` (ATLAS_OUTBOUND_ALLOW) lifts address, port and scheme for the addresses inside it, and with
    that the names that can only stand for such addresses (`localhost`, `.internal`). Metadata names are never
    lifted, nor `own_hosts`, the hub's own public names.
    """

    def __init__(
        self, allow: Sequence[Network] = (), resolve: Resolve = resolve_all, own_hosts: Collection[str] = ()
    ) -> None:
        self.allow = tuple(allow)
        self._resolve = resolve
        # `localhost` or an address as the hub's own name is a try-out: the other rules know it already.
        own = (host.rstrip(".").lower() for host in own_hosts)
        self._never = _NEVER_NAMES | {host for host in own if not _local(host) and _literal(host) is None}

    async def url(self, url: str, *, field: str = "url") -> Target:
        """Where the URL leads. Raises `BadForm` for `field` where it may not, `NetworkError` without DNS."""
        parts = _split(url, field)
        host = _name(parts.hostname or "", field)
        port = _port(parts, field)
        wrong = {}
        if port not in URL_PORTS:
            wrong = {field: "The port must be 443 or 8443."}
        if parts.scheme != "https":
            wrong = {field: "The address must begin with https://."}
        addresses = await self._addresses(host, port, field, wrong)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, addresses[0], path)

    async def host(self, host: str, port: int, *, field: str = "host", port_field: str = "port") -> Target:
        """Where the mail server is. Raises `BadForm` for the fields, `NetworkError` without DNS."""
        if _unprintable(host) or any(mark in host for mark in "/@?#\\"):
            raise BadForm({field: "Enter a host name alone, such as smtp.example.com."})
        wrong = {port_field: "The port must be 25, 465, 587 or 2525."}
        if not 0 < port <= PORT_LAST:
            raise BadForm(wrong)
        name = _name(host.removeprefix("[").removesuffix("]"), field)
        addresses = await self._addresses(name, port, field, {} if port in SMTP_PORTS else wrong)
        return Target("smtp", name, port, addresses[0])

    async def _addresses(self, host: str, port: int, field: str, wrong: Mapping[str, str]) -> list[str]:
        """The checked addresses. `wrong` is what is refused unless the operator lifts it for all of them."""
        if _local(host):
            wrong = {field: _NEIGHBOUR}
        if host in self._never:
            raise BadForm({field: _NEIGHBOUR})
        if wrong and not self.allow:
            raise BadForm(wrong)
        addresses = [_read(text, field) for text in await self._lookup(host, port, field)]
        if not addresses or not all(is_public(each) or self._lifted(each) for each in addresses):
            raise BadForm({field: _PRIVATE})
        if wrong and not all(self._lifted(each) for each in addresses):
            raise BadForm(wrong)
        return [str(address) for address in addresses]

    async def _lookup(self, host: str, port: int, field: str) -> Sequence[str]:
        literal = _literal(host)
        if literal is not None:
            return [str(literal)]
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await self._resolve(host, port)
        except TimeoutError:
            raise NetworkError("The name server did not answer within 5 seconds. Try again.", field=field) from None
        except (OSError, UnicodeError):
            raise NetworkError(
                "The host name could not be found. Check its spelling and try again.", field=field
            ) from None

    def _lifted(self, address: Address) -> bool:
        if not any(address.version == net.version and address in net for net in self.allow):
            return False
        inner = [_embedded(address)] if isinstance(address, ipaddress.IPv6Address) else []
        return all(each is None or is_public(each) or self._lifted(each) for each in inner)


_NEIGHBOUR = "This host name is not allowed: it names a machine on the hub's own network."
_PRIVATE = (
    "This address leads to a private or reserved network, which is not allowed. "
    "Use a public address, or ask whoever runs the hub to allow this network."
)


def is_public(address: Address) -> bool:
    """Whether anyone on the internet has the address. `is_global` differs between Pythons."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _REFUSED_V4)
    return address in _PUBLIC_V6 and not any(address in net for net in _REFUSED_V6)


def _local(host: str) -> bool:
    return any(host == zone or host.endswith(f".{zone}") for zone in _LOCAL_NAMES)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a translated or tunnelled one leads to: an allowed prefix must not hide it."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo else None)


def _read(text: str, field: str) -> Address:
    """The address, an IPv4-mapped one as the IPv4 address it is. Scope ids are refused."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadForm({field: _PRIVATE}) from None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        raise BadForm({field: _PRIVATE})
    return address.ipv4_mapped or address


def _unprintable(text: str) -> bool:
    return any(unicodedata.category(each)[0] in "CZ" for each in text)


def _split(url: str, field: str) -> SplitResult:
    """The URL parsed, once and for all: nobody after the guard reads the text again."""
    if len(url) > URL_LENGTH:
        raise BadForm({field: TOO_LONG})
    if _unprintable(url) or "\\" in url:
        raise BadForm({field: "The address contains a space, a control character or a backslash. Remove it."})
    if "#" in url:
        raise BadForm({field: "The address must not contain a fragment (#)."})
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadForm({field: "This is not a complete address, such as https://example.com/path."}) from None
    if "@" in parts.netloc:
        raise BadForm({field: "The address must not contain a user name or password."})
    if parts.scheme not in DEFAULT_PORTS:
        raise BadForm({field: "The address must begin with https://."})
    bracketed = "[" in parts.netloc or "]" in parts.netloc
    if not parts.netloc or bracketed != (":" in (parts.hostname or "")):
        raise BadForm({field: "This is not a complete address, such as https://example.com/path."})
    return parts


def _port(parts: SplitResult, field: str) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or parts.netloc.endswith(":"):
        raise BadForm({field: "The port must be 443 or 8443."})
    return port or DEFAULT_PORTS[parts.scheme]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _name(host: str, field: str) -> str:
    """The host in lower-case ASCII without trailing dots, or the address literal as it is written in full."""
    literal = _literal(host)
    if literal is not None:
        return str(_read(host, field))
    try:
        name = idna.encode(host.rstrip("."), uts46=True, std3_rules=True).decode() if not host.isascii() else host
    except idna.IDNAError:
        raise BadForm({field: "This is not a valid host name. Check its spelling."}) from None
    name = name.rstrip(".").lower()
    labels = name.split(".")
    fine = len(name) <= HOST_LENGTH and all(_label(label) for label in labels)
    # An odd literal (127.1, 0x7f000001) is an address to some resolvers and a name to others.
    if (labels[-1].isdigit() or labels[-1].startswith("0x")) and _literal(name) is None:
        raise BadForm({field: "This is not a valid host name. Write an address as four decimal numbers."})
    if not fine:
        raise BadForm({field: "This is not a valid host name. Check its spelling."})
    return name


def _label(label: str) -> bool:
    plain = label.replace("-", "").replace("_", "")
    return (
        0 < len(label) <= LABEL_LENGTH and label[0] != "-" and label[-1] != "-" and plain.isalnum() and plain.isascii()
    )
