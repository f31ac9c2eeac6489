"""The tokens of the Microsoft stand-in: access tokens that nobody reads, and ID tokens with a real signature."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

FORGERIES: Final = frozenset({"signature", "iss", "aud", "exp", "nonce", "tid", "alg_none", "other_kid"})
KID, OTHER_KID = "standin-key-1", "standin-key-2"


@cache
def key(kid: str) -> RSAKey:
    """The RSA key of that id, made when it is first asked for; only `KID`'s is published."""
    return RSAKey.generate_key(2048, parameters={"kid": kid, "use": "sig"})


def published() -> dict[str, Any]:
    """The key set by which anybody checks an ID token (RFC 7517)."""
    return {"keys": [key(KID).as_dict(private=False)]}


def access_token(claims: Mapping[str, Any]) -> str:
    """Three parts as of a token; nobody has signed it."""
    parts = (json.dumps({"typ": "JWT", "alg": "RS256"}), json.dumps(claims), "nobody signed this")
    return ".".join(_packed(part) for part in parts)


def id_token(claims: Mapping[str, Any], forge: Collection[str] = ()) -> str:
    """The claims signed with RS256. `forge`: what is wrong with it, of `FORGERIES`."""
    said = dict(claims) | {name: wrong for name, wrong in _wrong(claims).items() if name in forge}
    if "alg_none" in forge:
        return f"{_packed(json.dumps({'typ': 'JWT', 'alg': 'none'}))}.{_packed(json.dumps(said))}."
    kid = OTHER_KID if "other_kid" in forge else KID
    signer = key(OTHER_KID if "signature" in forge else kid)
    return jwt.encode({"typ": "JWT", "alg": "RS256", "kid": kid}, said, signer, algorithms=["RS256"])


def _wrong(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Claim → what a forger or a mistake would put there."""
    return {
        "iss": f"https://login.evil.example/{claims['tid']}/v2.0",
        "aud": "99999999-9999-9999-9999-999999999999",
        "exp": claims["iat"] - 3600,
        "nonce": "another-nonce",
        "tid": "99999999-9999-9999-9999-999999999999",
    }


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
