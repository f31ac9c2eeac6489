"""A service account's signed assertion (RFC 7523): the only import of joserfc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from atlas_hub.kit.secret import Secret


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
