"""Signed tokens: a service account's assertion (RFC 7523), and an ID token read back: the only import of joserfc."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.util import urlsafe_b64decode

from atlas_hub.kit.secret import Secret

LEEWAY_SECONDS = 120
"""How far the vendor's clock and ours may be apart."""


def rs256(private_key: Secret, claims: Mapping[str, Any], *, key_id: str | None = None) -> Secret:
    """The claims signed with an RSA key in PEM (RFC 7518 §3.3). Raises `ValueError` where the key is none."""
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    try:
        key = RSAKey.import_key(private_key.reveal())
        if key.is_private:
            return Secret(jwt.encode(header, dict(claims), key, algorithms=["RS256"]))
    except (ValueError, TypeError, JoseError):
        pass  # the library's own words may quote the key
    raise ValueError("This is not an RSA private key.")


def claims_of(token: Secret, keys: Any, *, must_be: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The claims of an ID token that was signed with one of `keys` (a JWK Set) by RS256 and is good now.

    `must_be`: claims that must have exactly this value, `iss`, `aud` and `nonce` among them (OpenID Connect Core
    §3.1.3.7). Raises `ValueError`, which does not tell the token.
    """
    try:
        told = jwt.decode(token.reveal(), KeySet.import_key_set(keys), algorithms=["RS256"])
        essential: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in must_be.items()}
        seconds = int(now.timestamp())
        jwt.JWTClaimsRegistry(now=seconds, leeway=LEEWAY_SECONDS, exp={"essential": True}, **essential).validate(
            told.claims
        )
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass  # as above
    else:
        return dict(told.claims)
    raise ValueError("The ID token is not one that this consent can have made.")


def unverified(token: Secret) -> dict[str, Any]:
    """What a token says of itself, proven by nothing: to find the keys with which it is verified then.

    Raises `ValueError`, which does not tell the token.
    """
    try:
        told = json.loads(urlsafe_b64decode(token.reveal().split(".")[1].encode()))
        if isinstance(told, dict):
            return told
    except (ValueError, IndexError, RecursionError):
        pass
    raise ValueError("This is not a token.")
