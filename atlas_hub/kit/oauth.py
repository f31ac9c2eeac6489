"""OAuth 2.0 on the wire (RFC 6749, RFC 7636): the only import of Authlib."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from atlas_hub.kit.secret import Secret

_BYTES = 48
"""Of chance: 64 characters of base64url, within the 43 to 128 of RFC 7636 §4.1."""


def address(base: str, params: Mapping[str, str]) -> str:
    """`base` with these query parameters, in this order; those that are empty are left out."""
    return str(add_params_to_uri(base, [(name, text) for name, text in params.items() if text]))


def new_secret() -> Secret:
    """A value that nobody can guess: a state, a nonce or a code verifier."""
    return Secret(new_cookie())


def new_cookie() -> str:
    """A value that nobody can guess, by which a browser is known again."""
    return secrets.token_urlsafe(_BYTES)


def challenge(verifier: Secret) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return str(create_s256_code_challenge(verifier.reveal()))  # type: ignore[no-untyped-call]
