"""URLs that must never be asked, each with why; names resolve by `DNS`, as a hostile name server would."""

from __future__ import annotations

PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"

DNS: dict[str, list[str]] = {
    "example.com": [PUBLIC, PUBLIC_V6],
    "xn--bcher-kva.example": [PUBLIC],
    "hooks.example.org": [PUBLIC],
    "a_b.example.com": [PUBLIC],
    "v6.example.com": [PUBLIC_V6],
    "mapped-public.example.com": ["::ffff:8.8.8.8"],
    "rebind.example": ["127.0.0.1"],
    "mixed.example": [PUBLIC, "10.0.0.5"],
    "mixed-first.example": ["192.168.1.1", PUBLIC],
    "mixed-v6.example": [PUBLIC, "fd00::1"],
    "mixed-aaaa.example": [PUBLIC_V6, "::1"],
    "nothing.example": [],
    "garbage.example": ["not an address"],
    "scoped.example": ["fe80::1%eth0"],
    "scoped-public.example": [f"{PUBLIC_V6}%eth0"],
    "cloud.example": ["169.254.169.254"],
    "azure.example": ["168.63.129.16"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "mapped-ten.example": ["::ffff:10.1.2.3"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "localtest.example": ["127.0.0.1", "::1"],
    "intranet": ["10.0.0.1"],
    "hub.example": [PUBLIC],
}


def wide(text: str) -> str:
    """The same in full-width characters."""
    return "".join(chr(ord(each) + 0xFEE0) if each != "." else each for each in text)


_LITERALS = {
    "0.0.0.0/8, this host": ["0.0.0.0", "0.1.2.3"],  # noqa: S104  # nothing binds to it
    "10/8, private": ["10.0.0.1", "10.255.255.255"],
    "100.64/10, carrier NAT": ["100.64.0.1", "100.127.255.254"],
    "Alibaba's metadata": ["100.100.100.200"],
    "127/8, loopback": ["127.0.0.1", "127.1.2.3", "127.255.255.254"],
    "169.254/16, link local and metadata": ["169.254.169.254", "169.254.170.2", "169.254.0.1"],
    "172.16/12, private": ["172.16.0.1", "172.31.255.255"],
    "192.0.0/24, protocol assignments": ["192.0.0.1", "192.0.0.192"],
    "192.0.2/24, documentation": ["192.0.2.1"],
    "192.88.99/24, 6to4 relay": ["192.88.99.1"],
    "192.168/16, private": ["192.168.0.1", "192.168.255.255"],
    "198.18/15, benchmarks": ["198.18.0.1", "198.19.255.255"],
    "198.51.100/24, documentation": ["198.51.100.7"],
    "203.0.113/24, documentation": ["203.0.113.9"],
    "224/4, multicast": ["224.0.0.1", "239.255.255.255"],
    "240/4, reserved": ["240.0.0.1", "254.1.1.1"],
    "broadcast": ["255.255.255.255"],
    "Azure's wire server": ["168.63.129.16"],
    "::, unspecified": ["[::]", "[0:0:0:0:0:0:0:0]"],
    "::1, loopback": ["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]"],
    "IPv4-compatible": ["[::127.0.0.1]", "[::a00:1]"],
    "IPv4-mapped, the IPv4 address checked": [
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
        "[::FFFF:192.168.0.1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::ffff:0:127.0.0.1]",
    ],
    "NAT64": ["[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::8.8.8.8]"],
    "NAT64, local": ["[64:ff9b:1::1]", "[64:ff9b:1::7f00:1]"],
    "100::/64, discard": ["[100::1]"],
    "Teredo": ["[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:0:7f00:1::]"],
    "2001:db8::/32, documentation": ["[2001:db8::1]"],
    "2001:2::/48, benchmarks; 2001:10::/28, ORCHID": ["[2001:2::1]", "[2001:10::1]", "[2001:20::1]"],
    "6to4": ["[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::1]", "[2002:808:808::1]"],
    "3fff::/20, documentation": ["[3fff::1]", "[3fff:fff::1]"],
    "5f00::/16, segment routing": ["[5f00::1]"],
    "fc00::/7, unique local": ["[fc00::1]", "[fd12:3456::1]"],
    "Amazon's metadata by IPv6": ["[fd00:ec2::254]"],
    "Google's metadata by IPv6": ["[fd20:ce::254]"],
    "fe80::/10, link local": ["[fe80::1]", "[febf::1]"],
    "scope id": ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[fe80::1%251]", "[2606:4700::1%25lo]"],
    "fec0::/10, site local": ["[fec0::1]"],
    "ff00::/8, multicast": ["[ff02::1]", "[ff0e::1]"],
    "not given out by IANA": ["[4000::1]", "[1::1]", "[8000::1]"],
    "decimal": ["2130706433", "167772161", "2852039166", "3232235521", "0"],
    "octal": ["0177.0.0.1", "017700000001", "0177.0.0.01", "00000177.1", "0251.0376.0251.0376"],
    "hexadecimal": ["0x7f.1", "0x7f000001", "0x7F.0x0.0x0.0x1", "0xa9fea9fe", "127.0.0.0x1", "0x"],
    "short": ["127.1", "127.0.1", "10.1", "192.168.257", "0.0"],
    "mixed radix": ["0x7f.0.0.01", "127.0x0.01"],
    "leading zeroes": ["127.000.000.001", "010.0.0.1", "0000.0.0.0"],
    "out of range": ["256.256.256.256", "127.0.0.256", "4294967296", "1.2.3.4.5", "999999999999"],
    "full-width digits": [wide("0127") + ".0.0.1", wide("127.0.0.1"), wide("0127"), wide("2130706433")],
    "circled digits": ["①②⑦.⓪.⓪.①", "①⑥⑨.②⑤④.①⑥⑨.②⑤④"],
    "ideographic full stops": ["127。0。0。1", "169.254.169.254".replace(".", chr(0xFF0E)), "127｡0｡0｡1"],
    "localhost": [
        "localhost", "LOCALHOST", "localhost.", "localhost..", "a.localhost", wide("localhost"),
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    ],
    "neighbours' zones": [
        "printer.local", "vault.internal", "db.corp.internal.", "nas.home.arpa", "local", "internal",
        "home.arpa",
    ],
    "metadata by name": [
        "metadata.google.internal", "metadata.google.internal.", "METADATA.google.internal",
        "metadata.amazonaws.com",
        "metadata.amazonaws.com.", "metadata.goog",
    ],
    "the hub itself": ["hub.example", "HUB.example", "hub.example."],
    "resolves to loopback": ["rebind.example", "127.0.0.1.nip.example", "localtest.example"],
    "resolves to a public and a private address": [
        "mixed.example", "mixed-first.example", "mixed-v6.example", "mixed-aaaa.example",
    ],
    "resolves to metadata": ["cloud.example", "azure.example"],
    "resolves to a mapped or tunnelled address": [
        "mapped.example", "mapped-ten.example", "nat64.example", "sixtofour.example", "teredo.example",
    ],
    "resolves to nothing": ["nothing.example"],
    "resolves to garbage": ["garbage.example"],
    "resolves to a scoped address": ["scoped.example", "scoped-public.example"],
    "a bare name on the hub's network": ["intranet"],
    "no valid name": [
        "", ".", "..", "a..example.com", "-a.example.com", "a-.example.com", "exam!ple.com",
        "a%2eexample.com",
        "127.0.0.1%2f", "a,b.example.com", "x" * 64 + ".example.com", ".".join(["x" * 60] * 5),
        "xn--\u00e4.example",
        "\u00ad.example", "[::1", "::1]", "[v1.x]", "[]", "[example.com]", "{example}.com", "*.example.com",
    ],
}  # fmt: skip

_WHOLE = {
    "no https": ["http://example.com/", "HTTP://example.com/", "http://example.com:443/"],
    "another scheme": [
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:443/_x", "dict://example.com:443/",
        "ldap://example.com/", "ws://example.com/", "data:text/plain,x", "javascript:alert(1)",
        "unix:///run/x.sock",
        "jar:https://example.com!/", "https+unix://example.com/", "httpss://example.com/",
    ],
    "no address at all": [
        "", "/", "//example.com/", "example.com", "https:", "https:/example.com", "https:example.com",
        "https://",
        "https:///example.com/", "https://?x", "://example.com",
    ],
    "user name or password": [
        "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
        "https://example.com@127.0.0.1/", "https://example.com:443@10.0.0.1/", "https://:x@example.com/",
        "https://127.0.0.1:443@example.com/", "https://a@b@example.com/",
    ],
    "fragment": ["https://example.com/#x", "https://example.com#@127.0.0.1/", "https://example.com/#"],
    "backslash": [
        "https://example.com\\@127.0.0.1/", "https:\\\\example.com/", "https://example.com/\\x",
        "https://127.0.0.1\\.example.com/", "https:/\\example.com/",
    ],
    "whitespace or control character": [
        " https://example.com/", "https://example.com/ ", "https://exa mple.com/", "https://exa\tmple.com/",
        "https://example.com/\n", "https://example.com/\r\nHost: 127.0.0.1", "ht\ntps://example.com/",
        "https://example.com\x00.evil.example/", "https://example.com/\x7f", "https://example.com/\x85",
        "https://example.com/\u2028", "https://exam\u200bple.com/", "https://example.com/\u3000",
        "https://\u202eexample.com/", "\ufeffhttps://example.com/", "https://example.com/\x1b[0m",
    ],
    "port": [
        "https://example.com:80/", "https://example.com:22/", "https://example.com:25/",
        "https://example.com:8080/",
        "https://example.com:6379/", "https://example.com:0/", "https://example.com:65536/",
        "https://example.com:-1/", "https://example.com:abc/", "https://example.com:/",
        f"https://example.com:{wide('443')}/",
        "https://example.com:443:443/", "https://example.com:99999999999/", "https://example.com:444/",
        "https://[2606:4700::1]:5432/",
    ],
    "too long": ["https://example.com/" + "a" * 2048],
}  # fmt: skip

HOSTILE: list[tuple[str, str]] = [
    *((f"https://{host}/x", why) for why, hosts in _LITERALS.items() for host in hosts),
    *((url, why) for why, urls in _WHOLE.items() for url in urls),
]

FINE: list[tuple[str, str, str]] = [
    # what was typed, the host that is asked, the address that is connected to
    ("https://example.com", "example.com", PUBLIC),
    ("https://example.com/", "example.com", PUBLIC),
    ("HTTPS://EXAMPLE.COM/Path", "example.com", PUBLIC),
    ("https://example.com:443/a?b=c&d=%20e", "example.com", PUBLIC),
    ("https://example.com:8443/", "example.com", PUBLIC),
    ("https://example.com./", "example.com", PUBLIC),
    ("https://example.com?x=1", "example.com", PUBLIC),
    ("https://bücher.example/", "xn--bcher-kva.example", PUBLIC),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", PUBLIC),
    ("https://hooks.example.org/services/T0/B0/x", "hooks.example.org", PUBLIC),
    ("https://a_b.example.com/", "a_b.example.com", PUBLIC),
    ("https://v6.example.com/", "v6.example.com", PUBLIC_V6),
    ("https://8.8.8.8/", "8.8.8.8", "8.8.8.8"),
    ("https://172.32.0.1/", "172.32.0.1", "172.32.0.1"),
    ("https://100.128.0.1/", "100.128.0.1", "100.128.0.1"),
    ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", "2606:4700:4700::1111"),
    ("https://mapped-public.example.com/", "mapped-public.example.com", "8.8.8.8"),
    ("https://example.com/ä/@x:y", "example.com", PUBLIC),
]
