"""HTTP Digest (RFC 7616): what is offered, what a client claims, and whether it is proven. Nothing is asked here.

Offered are MD5, which the original's clients need, and SHA-256, with `qop="auth"`. MD5-sess, auth-int, hashed and
encoded user names are not. A claim must have a `qop`: the older form without counts could be sent again by anyone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from atlas_hub.kit.secret import Secret

REALM: Final = "Atlas Hub"
LONGEST: Final = 4096
"""How many bytes of an Authorization header are read."""
MOST: Final = 0x7FFFFFFF
"""The highest count: more than one nonce is ever used for."""
ALGORITHMS: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "MD5": partial(hashlib.md5, usedforsecurity=False),  # what it protects, the nonce and the count protect
    "SHA-256": hashlib.sha256,
}

_PARAMETER = re.compile(
    r"""[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*"""
    r"""(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*(?=,|$)""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COUNT = re.compile(r"[0-9a-fA-F]{8}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a client says: who it is, what it asks for, and its proof. `nc` is the count as it was written."""

    username: str
    nonce: str
    uri: str
    algorithm: str
    cnonce: str
    nc: str
    response: str = field(repr=False)

    @property
    def count(self) -> int:
        """How often the client says it has used the nonce, this time included."""
        return int(self.nc, 16)


def challenges(nonce: str, *, stale: bool) -> tuple[str, ...]:
    """The values of `WWW-Authenticate`, one header each, MD5 first: a client takes the first that it can do."""
    old = "true" if stale else "false"
    return tuple(
        f'Digest realm="{REALM}", domain="", nonce="{nonce}", algorithm={name}, qop="auth", stale={old}'
        for name in ALGORITHMS
    )


def claim(given: Sequence[bytes]) -> Claim | None:
    """The claim of the values of `Authorization`; None where that is no one whole claim of what is offered."""
    if len(given) != 1 or len(given[0]) > LONGEST:
        return None
    scheme, _, rest = given[0].decode("latin-1").strip().partition(" ")
    told = _parameters(rest) if scheme.lower() == "digest" else None
    if told is None or not {"username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"} <= told.keys():
        return None
    algorithm = told.get("algorithm", "MD5").upper()
    usual = told["realm"] == REALM and told["qop"] == "auth" and told.get("userhash", "false").lower() == "false"
    if algorithm not in ALGORITHMS or not usual or not told["cnonce"] or _COUNT.fullmatch(told["nc"]) is None:
        return None
    found = Claim(
        username=told["username"],
        nonce=told["nonce"],
        uri=told["uri"],
        algorithm=algorithm,
        cnonce=told["cnonce"],
        nc=told["nc"],
        response=told["response"],
    )
    return found if 0 < found.count <= MOST else None


def _parameters(text: str) -> dict[str, str] | None:
    """The parameters by their names in lower case; None where the text is no such list, or says one twice."""
    told: dict[str, str] = {}
    at, text = 0, text.strip(" \t,")
    while at < len(text):
        found = _PARAMETER.match(text, at)
        if found is None:
            return None
        name, quoted, bare = found[1].lower(), found[2], found[3]
        value = bare if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if name in told or _CONTROL.search(value):
            return None
        told[name], at = value, found.end()
    return told


def proves(said: Claim, method: str, secret: Secret) -> bool:
    """Whether the claim was made by who knows the secret, for a request with this method. In constant time."""
    digest = ALGORITHMS[said.algorithm]
    who = f"{said.username}:{REALM}:{secret.reveal()}"
    expected = _hex(
        digest,
        f"{_hex(digest, who)}:{said.nonce}:{said.nc}:{said.cnonce}:auth:{_hex(digest, f'{method}:{said.uri}')}",
    )
    return hmac.compare_digest(expected.encode(), said.response.encode("latin-1", "replace"))


def _hex(digest: Callable[[bytes], Any], text: str) -> str:
    return str(digest(text.encode("latin-1", "replace")).hexdigest())
